import { CaresError } from '../model/errors.ts'
import type { Startable } from '../model/ports/startable.ts'

/**
 * Starts `parts` in their order and stops those that were started in reverse. `stopping` aborts when the stop begins, which may be in the middle
 * of the start: that then ends with `stopping`. `onStart` runs once, before the first part; `onStopped` after the last.
 */
export function runParts(
  parts: readonly Startable[],
  { stopping, onStart, onStopped }: { stopping: AbortController; onStart: () => void; onStopped: () => void }
): Startable {
  const started: Startable[] = []
  let starting: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  async function startParts(): Promise<void> {
    for (const part of parts) {
      if (stopping.signal.aborted) throw new CaresError('stopping', 'this peer was stopped before it had started')
      started.push(part)
      await part.start()
    }
  }

  async function stopParts(): Promise<void> {
    stopping.abort(new CaresError('stopping', 'this peer is stopping'))
    // A part is not stopped while it starts; what fails of that is for whoever has started them.
    await starting?.catch(() => {})
    for (let part = started.pop(); part !== undefined; part = started.pop()) await part.stop()
    onStopped()
  }

  const stop = (): Promise<void> => (stopped ??= stopParts())
  return {
    async start() {
      if (starting !== undefined) return starting
      onStart()
      starting = startParts()
      try {
        await starting
      } catch (err) {
        await stop()
        throw err
      }
    },
    stop
  }
}
