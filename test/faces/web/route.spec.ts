import assert from 'node:assert/strict'
import fc from 'fast-check'
import { hrefOf, parseRoute, type Route, SECTIONS, sectionOf } from '../../../src/faces/web/route.ts'

const named = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
const routes: fc.Arbitrary<Route> = fc.oneof(
  fc
    .constantFrom(...(['overview', 'peers', 'functions', 'upload', 'calls', 'tasks', 'costs', 'map', 'events'] as const))
    .map(page => ({ page })),
  named.map((id): Route => ({ page: 'peer', id })),
  named.map((id): Route => ({ page: 'call', id })),
  named.map((id): Route => ({ page: 'task', id })),
  named.map((name): Route => ({ page: 'function', name })),
  fc.tuple(fc.constantFrom('function', 'task'), named).map(([like, id]): Route => ({ page: 'run', like, id })),
  fc.constant<Route>({ page: 'run', like: 'nothing', id: '' })
)

describe('an address of the dashboard', () => {
  it('leads back to the page that it was made for', () => {
    fc.assert(fc.property(routes, route => assert.deepEqual(parseRoute(hrefOf(route)), route)))
  })

  for (const hash of [
    '#/nowhere',
    '#/upload/more',
    '#/map/1',
    '#/costs/1',
    '#/peers/%',
    '#/events/x',
    '#/run/x',
    '#/run/task',
    '#/run/peer/x'
  ]) {
    it(`leads nowhere when it is ${hash}`, () => assert.deepEqual(parseRoute(hash), { page: 'unknown' }))
  }

  for (const hash of ['', '#', '#/']) {
    it(`is the overview when it is "${hash}"`, () => assert.deepEqual(parseRoute(hash), { page: 'overview' }))
  }

  it('belongs to a section that the navigation lists, unless it leads nowhere', () => {
    fc.assert(fc.property(routes, route => assert.ok(SECTIONS.some(({ page }) => page === sectionOf(route)))))
    assert.equal(sectionOf({ page: 'unknown' }), undefined)
  })
})
