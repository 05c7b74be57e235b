/** The state lets it take work, now or when it no longer drains: `alive` or `draining`. */
export const IS_ALIVE = 1
/** Asked to take no new work. */
export const IS_DRAINING = 2
/** It has a runtime, and that answers. */
export const IS_READY = 4
/** It has a runtime and is not gone: it may be a home. */
export const IS_WORKER = 8

/** Doubled as peers come. */
const INITIAL_SLOTS = 64

const COLUMN_NAMES = [
  'cpus',
  'cpusBusy',
  'cpusHeld',
  'memoryBytes',
  'memoryHeldBytes',
  'heardAtMs',
  'slowness',
  'usdPerHour',
  'turn',
  'unseenCpus',
  'unseenColdCpus',
  'unseenColdMemoryBytes',
  'outsideMemoryBytes',
  'llcBytes',
  'llcHeldBytes',
  'unseenLlcBytes'
] as const

type ColumnName = (typeof COLUMN_NAMES)[number]

/**
 * The numbers that a placement reads, one array for each kind, one slot for each peer, without holes: a scan of 1,000 peers then reads some
 * kilobytes in order, where objects would cost ten times as long.
 */
export class Columns implements Readonly<Record<ColumnName, Float64Array>> {
  flags = new Uint8Array(INITIAL_SLOTS)
  /** See `hashText`. */
  idHashes = new Uint32Array(INITIAL_SLOTS)
  cpus = new Float64Array(INITIAL_SLOTS)
  /** Cores in use, as far as they slow down a newcomer. */
  cpusBusy = new Float64Array(INITIAL_SLOTS)
  /** Cores promised, without those that the worker would take back from idle containers. */
  cpusHeld = new Float64Array(INITIAL_SLOTS)
  memoryBytes = new Float64Array(INITIAL_SLOTS)
  /** The same for memory. */
  memoryHeldBytes = new Float64Array(INITIAL_SLOTS)
  heardAtMs = new Float64Array(INITIAL_SLOTS)
  /** How many times longer than on a reference machine everything takes. */
  slowness = new Float64Array(INITIAL_SLOTS)
  /** Of the whole machine; 0: not stated. */
  usdPerHour = new Float64Array(INITIAL_SLOTS)
  /** When the peer is next in turn, see the strategy `round-robin`. */
  turn = new Float64Array(INITIAL_SLOTS)
  unseenCpus = new Float64Array(INITIAL_SLOTS)
  unseenColdCpus = new Float64Array(INITIAL_SLOTS)
  unseenColdMemoryBytes = new Float64Array(INITIAL_SLOTS)
  /** Promised to admitted work that runs outside CARES; its use of cores shows in `cpusBusy`. */
  outsideMemoryBytes = new Float64Array(INITIAL_SLOTS)
  /** Of the last-level cache; 0: not known, and then nobody waits for it. */
  llcBytes = new Float64Array(INITIAL_SLOTS)
  /** Of it, what the work there is expected to need. */
  llcHeldBytes = new Float64Array(INITIAL_SLOTS)
  unseenLlcBytes = new Float64Array(INITIAL_SLOTS)

  get capacity(): number {
    return this.flags.length
  }

  /** Doubles until there is room for `slots`. */
  grow(slots: number): void {
    let capacity = this.capacity
    while (capacity < slots) capacity *= 2
    if (capacity === this.capacity) return
    this.flags = grown(this.flags, new Uint8Array(capacity))
    this.idHashes = grown(this.idHashes, new Uint32Array(capacity))
    for (const name of COLUMN_NAMES) this[name] = grown(this[name], new Float64Array(capacity))
  }

  /** Copies a slot over another. */
  move(from: number, to: number): void {
    this.flags.copyWithin(to, from, from + 1)
    this.idHashes.copyWithin(to, from, from + 1)
    for (const name of COLUMN_NAMES) this[name].copyWithin(to, from, from + 1)
  }
}

function grown<Column extends Uint8Array | Uint32Array | Float64Array>(old: Column, wider: Column): Column {
  wider.set(old)
  return wider
}
