import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { InvocationId } from '../../src/model/ids.ts'
import { parseCpuStatMs, parseListeningPort } from '../../src/runtime/cgroup-usage.ts'
import { sniffContentType } from '../../src/runtime/content-type.ts'
import { parseOwnContainer } from '../../src/runtime/docker-network.ts'
import { demultiplex } from '../../src/runtime/docker-stream.ts'
import { fromUndici } from '../../src/runtime/http-headers.ts'
import { Tail, TAIL_BYTES_MAX } from '../../src/runtime/log-lines.ts'
import { splitCommand } from '../../src/runtime/process-command.ts'
import { parseStatCpuMs, parseStatusPeakBytes } from '../../src/runtime/process-usage.ts'
import { callEnv } from '../../src/runtime/stdio-env.ts'
import { sampleFunction } from '../support/samples.ts'

describe('runtime parsers', () => {
  for (const [line, words] of [
    ['cat', ['cat']],
    ['  tr  a-z   A-Z ', ['tr', 'a-z', 'A-Z']],
    [`sh -c 'echo "$HOME"'`, ['sh', '-c', 'echo "$HOME"']],
    [`a "b \\" c" d\\ e ''`, ['a', 'b " c', 'd e', '']],
    [`x'y'z`, ['xyz']]
  ] as const) {
    it(`splits ${line} into ${words.length} words`, () => assert.deepEqual(splitCommand(line), words))
  }

  it('refuses an empty command and an open quote', () => {
    for (const line of ['', '  ', 'a "b']) assert.throws(() => splitCommand(line), { code: 'invalid' }, line)
  })

  for (const [text, complete, type] of [
    ['{"a":1}', true, 'application/json'],
    ['[1]\n', true, 'application/json'],
    ['{"a":', true, 'text/plain; charset=utf-8'],
    ['{"a":1}', false, 'text/plain; charset=utf-8'],
    ['', true, 'text/plain; charset=utf-8'],
    ['a\0b', true, 'application/octet-stream'],
    ['\u00e4\u00e4'.slice(0, 1), true, 'text/plain; charset=utf-8']
  ] as const) {
    it(`takes ${JSON.stringify(text)}${complete ? '' : '…'} for ${type}`, () => {
      assert.equal(sniffContentType(Buffer.from(text), { complete }), type)
    })
  }

  it('takes a cut character at the end of a head for text, at the end of an answer for bytes', () => {
    const cut = Buffer.from('ä').subarray(0, 1)
    assert.equal(sniffContentType(cut, { complete: false }), 'text/plain; charset=utf-8')
    assert.equal(sniffContentType(cut, { complete: true }), 'application/octet-stream')
  })

  it('keeps the end of stderr, cut at a character', () => {
    const tail = new Tail()
    tail.write(Buffer.from('x'.repeat(10)))
    tail.write(Buffer.from(`${'ä'.repeat(TAIL_BYTES_MAX)}!`))
    assert.equal(Buffer.byteLength(tail.text()), TAIL_BYTES_MAX - 1)
    assert.match(tail.text(), /^ä+!$/)
  })

  it('puts stdout and stderr together again, wherever the chunks end', async () => {
    const frame = (stream: number, text: string): Buffer => {
      const head = Buffer.alloc(8)
      head[0] = stream
      head.writeUInt32BE(text.length, 4)
      return Buffer.concat([head, Buffer.from(text)])
    }
    const bytes = Buffer.concat([frame(1, 'hello '), frame(2, 'oops'), frame(1, ''), frame(1, 'world')])
    for (const step of [1, 3, 8, 9, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step))
      const { stdout, stderr } = demultiplex(Readable.from(chunks))
      assert.deepEqual([await textOf(stdout), await textOf(stderr)], ['hello world', 'oops'], `step ${step}`)
    }
    const { stdout } = demultiplex(Readable.from([bytes.subarray(0, 10)]))
    await assert.rejects(textOf(stdout), { code: 'runtime_unavailable' })
  })

  it('takes headers from undici, one for each value', () => {
    assert.deepEqual(fromUndici({ 'set-cookie': ['a', 'b'], 'x-y': 'z' }), [
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
      ['x-y', 'z']
    ])
  })

  it('tells a program about its call, but neither credentials nor more than fits', () => {
    const headers = [
      ['content-type', 'a/b'],
      ['cookie', 'c'],
      ['traceparent', '00-a-b-01'],
      ['constructor', 'c'],
      ['x-one', '1'],
      ['x-one', '2'],
      ['x-big', 'b'.repeat(40_000)]
    ] as const
    const env = callEnv(sampleFunction({ env: { Http_Method: 'mine' } }), 'i-1' as InvocationId, {
      method: 'PUT',
      path: '/p',
      query: 'q',
      headers,
      bodyBytes: 3
    })
    assert.deepEqual(env, {
      CARES_FUNCTION: 'thumb',
      CARES_INVOCATION: 'i-1',
      Http_Method: 'PUT',
      Http_Path: '/p',
      Http_Query: 'q',
      Http_ContentLength: '3',
      Http_Content_Type: 'a/b',
      Http_X_One: '1, 2',
      TRACEPARENT: '00-a-b-01'
    })
  })

  it('reads what a cgroup and a process have used', () => {
    assert.equal(parseCpuStatMs('usage_usec 1234567\nuser_usec 1\n'), 1234.567)
    assert.equal(parseCpuStatMs(''), undefined)
    const stat = `42 (a (b) c) S ${Array.from({ length: 10 }, () => '0').join(' ')} 5 3 2 1 20 0`
    assert.equal(parseStatCpuMs(stat), 110)
    assert.equal(parseStatCpuMs('42 (x) S'), undefined)
    assert.equal(parseStatusPeakBytes('VmPeak:\t  9 kB\nVmHWM:\t    2048 kB\n'), 2048 * 1024)
  })

  it('finds the lowest port with a listener', () => {
    const text = [
      '  sl  local_address rem_address   st',
      '   0: 00000000:1F90 00000000:0000 0A 00000000:00000000',
      '   1: 0100007F:0050 0100007F:9C40 01 00000000:00000000'
    ].join('\n')
    assert.equal(parseListeningPort(text), 8080)
    assert.equal(parseListeningPort(''), undefined)
  })

  it('knows its own container by the mount of its host name, not by those of others', () => {
    const id = 'ab'.repeat(32)
    const own = `601 590 254:0 /var/lib/docker/containers/${id}/hostname /etc/hostname rw - ext4 /dev/vda rw`
    const others = `77 25 0:50 / /var/lib/docker/containers/${id}/mounts/shm rw - tmpfs shm rw`
    assert.equal(parseOwnContainer(`${others}\n${own}`), id)
    assert.equal(parseOwnContainer(others), undefined)
  })
})

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
