import type { ControlAnswer, ControlRequest } from '../../model/control.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { fromRemoteError } from '../../model/remote-error.ts'
import { AbortLinks } from '../abort-links.ts'

/** Asks one peer one question. Throws what the peer answered with, or `peer_unreachable`, `peer_lost`. */
export async function ask(
  transport: Transport,
  peer: PeerId,
  request: ControlRequest,
  { signal }: { signal: AbortSignal }
): Promise<Exclude<ControlAnswer, { type: 'failed' }>> {
  for await (const answer of converse(transport, peer, request, { signal })) return answer
  throw new CaresError('protocol', `peer ${peer} ended the exchange without an answer`)
}

/** Asks one peer a question with many answers, until it ends or the signal aborts. */
export async function* converse(
  transport: Transport,
  peer: PeerId,
  request: ControlRequest,
  { signal }: { signal: AbortSignal }
): AsyncGenerator<Exclude<ControlAnswer, { type: 'failed' }>, void> {
  const channel = await transport.open('control', peer, { signal })
  using links = new AbortLinks()
  links.add(signal, cause => channel.abort(new CaresError('cancelled', 'the question is no longer of interest', { cause })))
  try {
    await channel.send(request)
    channel.end()
    for (let answer = await channel.receive(); answer !== undefined; answer = await channel.receive()) {
      if (answer.type === 'failed') throw fromRemoteError(answer.error)
      if (answer.type === 'end') return
      yield answer
    }
  } catch (err) {
    if (signal.aborted) throw signal.reason
    throw err
  } finally {
    channel.abort(new CaresError('cancelled', 'the question is answered'))
  }
}
