/** One bit for each way of a cache, the lowest for the first. At most 32 ways, which is what resctrl has. */
export type WayMask = number

/** So many ways in a row: processors refuse others. */
export function maskOf(firstWay: number, ways: number): WayMask {
  return (((2 ** ways - 1) >>> 0) * 2 ** firstWay) >>> 0
}

/** How many ways are in the mask. */
export function countWays(mask: WayMask): number {
  let count = 0
  for (let rest = mask >>> 0; rest !== 0; rest >>>= 1) count += rest & 1
  return count
}

/** A mask as resctrl writes it, with or without zeros in front or `0x`; undefined for what is no mask. */
export function parseMask(text: string): WayMask | undefined {
  const digits = /^(?:0x)?([0-9a-f]{1,8})$/i.exec(text.trim())?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** A mask as resctrl takes it. */
export function formatMask(mask: WayMask): string {
  return (mask >>> 0).toString(16)
}

/**
 * The lines of a `schemata` file: by resource (`L3`), the value of each domain as text. The kernel pads names and masks:
 * `    L3:0=0000f;1=0000f`. Lines of another form are left out.
 */
export function parseSchemata(text: string): ReadonlyMap<string, ReadonlyMap<number, string>> {
  const resources = new Map<string, ReadonlyMap<number, string>>()
  for (const line of text.split('\n')) {
    const [, resource, rest] = /^\s*([A-Z0-9_]+):(.*)$/.exec(line) ?? []
    if (resource === undefined || rest === undefined) continue
    const domains = rest.split(';').flatMap(part => {
      const [, id, value] = /^\s*(\d+)\s*=\s*(\S+)\s*$/.exec(part) ?? []
      return id === undefined || value === undefined ? [] : [[Number(id), value] as const]
    })
    resources.set(resource, new Map(domains))
  }
  return resources
}

/** A line that sets the same mask in every domain of the level 3 cache. */
export function formatL3Schemata(domains: readonly number[], mask: WayMask): string {
  return `L3:${domains.map(id => `${id}=${formatMask(mask)}`).join(';')}\n`
}
