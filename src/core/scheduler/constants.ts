/*
 * The numbers of the cost model that are assumed, not learned. Measurements behind most of them: simulated replays of a public cloud trace
 * with 300 unlike workers.
 */

/** Up to so many peers, every one is looked at: the scan costs less than finding candidates, and an explanation can then name everyone. */
export const SCAN_ALL_PEERS_MAX = 64

/**
 * Workers with an idle container of the function that are looked at, from a random place among them. More differ too little to be worth the
 * time: with 16, a decision among 10,000 peers took a sixth longer, and calls of a public cloud on 200 machines had a mean slowdown of 1.54 instead
 * of 1.55.
 */
export const WARM_CANDIDATES_MAX = 8

/** Homes of a function: where its image and warm containers gather when nothing else decides. Eight is room for a popular function. */
export const HOMES_COUNT = 8

/** Random workers in every candidate set, so that new and idle ones are found. Between 4 and 16 makes no difference that can be measured. */
export const RANDOM_CANDIDATES_COUNT = 8

/** Verdicts that a decision carries. A receipt with so many is some 16 kB. */
export const VERDICTS_MAX = 64

/** One round trip within a cluster's network. */
export const ROUND_TRIP_PRIOR_MS = 1

/** 100 MB/s, about one gigabit: bodies between peers. */
export const NETWORK_BYTES_PER_MS_PRIOR = 100_000

/**
 * 40 MB/s, until an image has been seen to be brought somewhere: one from another peer or a near registry, unpacking included. Of 134 MB, Docker 20.10 took
 * 1.2 s to write and 1.9 s to load; the way between two peers hides behind that.
 */
export const PULL_BYTES_PER_MS_PRIOR = 40_000

/** An estimate that rests on fewer executions is too much of a guess to refuse work for. */
export const DEADLINE_SAMPLES_MIN = 3

/**
 * Work is refused for its deadline only if it is expected to miss it by this factor. What is refused is not run, so nothing would be learned
 * from it: a function that was slow for a while and is quick again must get the chance to show it.
 */
export const DEADLINE_OVERRUN_RATIO = 2

/**
 * Cores may be promised so many times over. The same as the workers' own rule, which decides: a placer that allowed more would only be
 * refused, one that allowed less would leave cores idle while functions wait for input.
 */
export const CPU_OVERSUBSCRIPTION_RATIO = 2

/** Fractions of cores do not add up exactly in binary; a thousandth of a core is nothing. */
export const CPUS_TOLERANCE = 0.001
