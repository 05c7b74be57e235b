import assert from 'node:assert/strict'
import type { InvocationId, PeerId } from '../../src/model/ids.ts'
import { type Call, type Ending, History, type Start, type Upload } from '../../src/simulate/whole/history.ts'
import { contradictions } from '../../src/simulate/whole/judge.ts'

const A = 'a' as PeerId
const B = 'b' as PeerId
const OK: Ending = { type: 'ok', atMs: 100 }

function failed(code: Extract<Ending, { type: 'error' }>['code'], retryable = false): Ending {
  return { type: 'error', atMs: 100, code, retryable, message: 'so it was' }
}

/** What is said of one call with these starts. */
function judgeCall(call: Partial<Call>, starts: readonly Partial<Start>[]): string {
  const history = new History()
  history.calls.push({ key: 'k', function: 'f', idempotent: false, timeoutMs: 1_000, gateway: A, startMs: 0, frozenMs: 0, ...call })
  const start: Start = { key: 'k', invocation: 'i' as InvocationId, worker: B, session: 1, atMs: 10, output: 'out' }
  for (const other of starts) history.starts.push({ ...start, ...other })
  return contradictions(history, [], 60_000).join('; ')
}

/** What is said of these uploads of one name, where a peer has `final` at the end. */
function judgeUploads(uploads: readonly Partial<Upload>[], final: { revision: number; image: string } | undefined): string {
  const history = new History()
  for (const upload of uploads)
    history.uploads.push({ name: 'f', image: 'x', ifRevision: undefined, gateway: A, startMs: 0, end: OK, ...upload })
  return contradictions(history, [{ peer: B, functions: new Map(final === undefined ? [] : [['f', final]]) }], 60_000).join('; ')
}

describe('the judge of a simulated history', () => {
  it('finds nothing in calls that may be so', () => {
    for (const [call, starts] of [
      [{ end: OK, output: 'out' }, [{}]],
      [{ end: OK, output: 'second', idempotent: true }, [{}, { output: 'second' }]],
      [{ end: failed('no_capacity', true) }, []],
      [{ end: failed('peer_lost') }, [{}]],
      [{ end: failed('function_failed') }, [{ output: undefined }]],
      [{ end: { type: 'gateway died', atMs: 5_000 } }, [{}]],
      [{ end: { ...failed('timeout'), atMs: 4_000 }, frozenMs: 3_000 }, []]
    ] as const) {
      assert.equal(judgeCall(call, starts), '', JSON.stringify(call))
    }
  })

  it('finds a call that may not be so', () => {
    assert.match(judgeCall({ end: OK, output: 'out' }, [{}, {}]), /started 2 times/)
    assert.match(judgeCall({ end: OK, output: 'out' }, []), /never started/)
    assert.match(judgeCall({ end: OK, output: 'ououtt' }, [{}]), /which no run of it has made/)
    assert.match(judgeCall({}, []), /never answered/)
    assert.match(judgeCall({ end: { ...failed('timeout'), atMs: 4_000 } }, []), /after its deadline/)
    assert.match(judgeCall({ end: failed('internal') }, []), /ended with internal/)
    assert.match(judgeCall({ end: failed('no_orchestrator') }, [{}]), /started, and its client told no_orchestrator/)
    assert.match(judgeCall({ end: failed('stopping', true) }, [{}]), /and to try again/)
  })

  it('finds nothing in uploads that may be so', () => {
    const two = [
      { image: 'x', revision: 1 },
      { image: 'y', revision: 2, ifRevision: 1, startMs: 200, end: { type: 'ok', atMs: 300 } as const }
    ]
    assert.equal(judgeUploads(two, { revision: 2, image: 'y' }), '')
    assert.equal(judgeUploads([...two, { image: 'z', end: failed('timeout') }], { revision: 3, image: 'z' }), '')
  })

  it('finds uploads that may not be so', () => {
    const first = { image: 'x', revision: 1 }
    assert.match(judgeUploads([first], undefined), /acknowledged, b has none/)
    assert.match(judgeUploads([first, { image: 'y', revision: 1 }], { revision: 1, image: 'x' }), /acknowledged for x and for y/)
    assert.match(judgeUploads([first], { revision: 1, image: 'y' }), /is y on b/)
    assert.match(
      judgeUploads([first, { image: 'y', revision: 3, ifRevision: 1 }], { revision: 3, image: 'y' }),
      /wanted to follow revision 1/
    )
    const later = { image: 'y', revision: 2, startMs: 0, end: OK }
    assert.match(judgeUploads([later, { ...first, startMs: 200 }], { revision: 2, image: 'y' }), /asked for after/)
    assert.match(judgeUploads([first], { revision: 2, image: 'q' }), /nobody uploaded/)
  })
})
