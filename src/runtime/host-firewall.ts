import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** How long the tool may wait for others that change the rules, in seconds. */
const LOCK_WAIT_S = 5

/**
 * Keeps what is on a bridge from beginning connections to this machine: its ports are not on another network, which an engine would separate, but
 * at the end of the bridge itself. Answers to connections that the machine began pass. Throws what the tool said, where there is none, or this
 * process may not use it (it takes root, or CAP_NET_ADMIN).
 */
export async function closeHostTo(bridge: string): Promise<void> {
  const rule = ruleFor(bridge)
  // An earlier life of the peer may have made it.
  if (await succeeds(['-C', 'INPUT', ...rule])) return
  await iptables(['-I', 'INPUT', '1', ...rule])
}

/** Takes the rule away again, if it is there. */
export async function openHostTo(bridge: string): Promise<void> {
  await succeeds(['-D', 'INPUT', ...ruleFor(bridge)])
}

function ruleFor(bridge: string): string[] {
  const isBegun = ['-m', 'conntrack', '--ctstate', 'NEW']
  return ['-i', bridge, ...isBegun, '-m', 'comment', '--comment', 'cares: functions without network', '-j', 'REJECT']
}

async function succeeds(args: readonly string[]): Promise<boolean> {
  return iptables(args).then(
    () => true,
    () => false
  )
}

async function iptables(args: readonly string[]): Promise<void> {
  await promisify(execFile)('iptables', ['-w', String(LOCK_WAIT_S), ...args])
}
