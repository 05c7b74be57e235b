import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type Docker from 'dockerode'
import { DockerHealth, healthCommand } from '../../src/runtime/docker-health.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createTestLog } from '../support/test-log.ts'

const COMMAND = { command: ['check'], timeoutMs: 1_000, startPeriodMs: 0 }

describe('the HEALTHCHECK of an image', () => {
  for (const [claim, config, expected] of [
    ['is its command', { Test: ['CMD', 'pg_isready', '-q'] }, { command: ['pg_isready', '-q'], timeoutMs: 30_000, startPeriodMs: 0 }],
    [
      'is its line for a shell, with its times',
      { Test: ['CMD-SHELL', 'test -f /ready'], Timeout: 2e9, StartPeriod: 5e9 },
      { command: ['/bin/sh', '-c', 'test -f /ready'], timeoutMs: 2_000, startPeriodMs: 5_000 }
    ],
    ['is none by NONE', { Test: ['NONE'] }, undefined],
    ['is none without words', { Test: ['CMD'] }, undefined],
    ['is none where there is nothing', null, undefined]
  ] as const) {
    it(claim, () => assert.deepEqual(healthCommand({ Healthcheck: config }), expected))
  }

  it('runs in the shell that the image names', () => {
    const config = { Healthcheck: { Test: ['CMD-SHELL', 'x'] }, Shell: ['/bin/bash', '-e', '-c'] }
    assert.deepEqual(healthCommand(config)?.command, ['/bin/bash', '-e', '-c', 'x'])
  })
})

describe('the health of containers', () => {
  it('is told by events of the engine, once, and by what is so after a gap in them', async () => {
    const clock = new ManualClock()
    const streams: PassThrough[] = []
    const unhealthy: string[] = []
    const engine = {
      getEvents: async () => {
        const stream = new PassThrough()
        streams.push(stream)
        return stream
      },
      listContainers: async () => unhealthy.map(Id => ({ Id }))
    } as unknown as Docker
    const health = new DockerHealth(engine, 'p', { clock, log: createTestLog() })
    const told: string[] = []
    for (const id of ['a', 'b', 'c']) {
      health.of({ id } as Docker.Container, COMMAND).onUnhealthy(() => told.push(id))
    }
    const settled = async (): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) await setImmediate()
    }
    await settled()
    streams[0]?.write('{"id":"a","status":"health_status: healthy"}\n{"id":"x","status":"health_status: unhealthy"}\n')
    streams[0]?.write('{"id":"a","status":"health_status: unhealthy"}\n{"id":"a","status":"health_status: unhealthy"}\n')
    await settled()
    assert.deepEqual(told, ['a'])

    streams[0]?.destroy()
    unhealthy.push('a', 'b')
    await settled()
    clock.advance(1_000)
    await settled()
    assert.equal(streams.length, 2)
    assert.deepEqual(told, ['a', 'b'])

    health.forget('c')
    streams[1]?.write('{"id":"c","status":"health_status: unhealthy"}\n')
    await settled()
    assert.deepEqual(told, ['a', 'b'])
    await health.stop()
  })
})
