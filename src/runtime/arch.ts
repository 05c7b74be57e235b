/** Node's name of a CPU architecture in Docker's (and Go's) spelling; one that has no other spelling stays as it is. */
export function dockerArch(arch: string): string {
  const spellings: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle' }
  return spellings[arch] ?? arch
}
