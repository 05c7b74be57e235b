import type { Contract } from '../../model/function.ts'

/** What is expected of a function of which nothing is known. Wrong for most, but of the right order for many. */
export const PRIOR_RUN_MS = 1_000

/** Time until an idle container has the call: a connection on the same machine, or a write to stdin. */
export const PRIOR_WARM_START_MS = 3

/** An `http` container must boot its server and be polled until it answers; a `stdio` one is ready with its process. */
export const PRIOR_COLD_START_MS: Readonly<Record<Contract, number>> = { http: 1_000, stdio: 200 }

/** Most answers are small, and a wrong guess would cost far peers work that they should get. */
export const PRIOR_OUTPUT_BYTES = 0
