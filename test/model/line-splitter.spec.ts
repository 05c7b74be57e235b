import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LINE_BYTES_MAX, LineSplitter } from '../../src/model/line-splitter.ts'

describe('LineSplitter', () => {
  it('cuts lines wherever the chunks end, and never longer than allowed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).map(line => line.replace(/[\r\n]/g, ''))),
        fc.integer({ min: 1, max: 9 }),
        (lines, step) => {
          const seen: string[] = []
          const splitter = new LineSplitter(line => seen.push(line))
          const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
          for (let at = 0; at < bytes.length; at += step) splitter.write(bytes.subarray(at, at + step))
          splitter.end()
          assert.deepEqual(
            seen,
            lines.map(line => Buffer.from(line).toString())
          )
        }
      )
    )
    const long: string[] = []
    const splitter = new LineSplitter(line => long.push(line))
    splitter.write(Buffer.from('ä'.repeat(LINE_BYTES_MAX)))
    splitter.write(Buffer.from('\nnext'))
    splitter.end()
    assert.deepEqual(
      long.map(line => Buffer.byteLength(line)),
      [LINE_BYTES_MAX, 4]
    )
  })

  it('keeps a mark of byte order, which is that of the line, and shows what is not text as well as it can', () => {
    const seen: string[] = []
    const splitter = new LineSplitter(line => seen.push(line))
    splitter.write(Buffer.from('\uFEFFone\r\n'))
    splitter.write(Buffer.from([0xff, 0x0a, 0xc3]))
    splitter.end()
    assert.deepEqual(seen, ['\uFEFFone', '\uFFFD', '\uFFFD'])
  })
})
