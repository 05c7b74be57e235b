import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const FILE = new URL('../../../src/faces/web/styles/tokens.css', import.meta.url)

/** What text needs against what is behind it (https://www.w3.org/TR/WCAG22/#contrast-minimum). */
const TEXT_CONTRAST_MIN = 4.5
/** What a bar, a dot or a line needs that carries a meaning (https://www.w3.org/TR/WCAG22/#non-text-contrast). */
const SHAPE_CONTRAST_MIN = 3

/** Badges and pills have this much of their own colour behind them. */
const TINT = 0.13

type Colour = readonly [red: number, green: number, blue: number]

const tokens = new Map(
  Array.from(
    readFileSync(FILE, 'utf8').matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g),
    ([, name = '', light = '', dark = '']) => [name, { light: colour(light), dark: colour(dark) }]
  )
)

function colour(hex: string): Colour {
  const at = (from: number): number => Number.parseInt(hex.slice(from, from + 2), 16) / 255
  return [at(1), at(3), at(5)]
}

function token(name: string, scheme: 'light' | 'dark'): Colour {
  const found = tokens.get(name)
  assert.ok(found, `there is a colour --${name}`)
  return found[scheme]
}

function mixed(over: Colour, under: Colour, part: number): Colour {
  const at = (index: 0 | 1 | 2): number => part * over[index] + (1 - part) * under[index]
  return [at(0), at(1), at(2)]
}

/** Relative luminance, as WCAG defines it. */
function luminance(of: Colour): number {
  const [red, green, blue] = of.map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as unknown as Colour
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: Colour, b: Colour): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

describe('the colours of the dashboard', () => {
  for (const scheme of ['light', 'dark'] as const) {
    const grounds = ['bg', 'side', 'card', 'inset']

    it(`can be read on every ground, ${scheme}`, () => {
      for (const name of ['text', 'text-dim', 'accent-text', 'good', 'warn', 'bad'])
        for (const ground of grounds) {
          const reached = contrast(token(name, scheme), token(ground, scheme))
          assert.ok(reached >= TEXT_CONTRAST_MIN, `--${name} on --${ground}: ${reached.toFixed(2)}`)
        }
    })

    it(`can be read in badges and pills, on a tint of themselves, ${scheme}`, () => {
      for (const [name, tint] of Object.entries({ good: 'good', warn: 'warn', bad: 'bad', 'accent-text': 'accent' }))
        for (const ground of ['bg', 'card']) {
          const reached = contrast(token(name, scheme), mixed(token(tint, scheme), token(ground, scheme), TINT))
          assert.ok(reached >= TEXT_CONTRAST_MIN, `--${name} on a tint over --${ground}: ${reached.toFixed(2)}`)
        }
    })

    it(`can be read on buttons, ${scheme}`, () => {
      for (const ground of ['accent', 'bad']) {
        const reached = contrast(token('on-accent', scheme), token(ground, scheme))
        assert.ok(reached >= TEXT_CONTRAST_MIN, `--on-accent on --${ground}: ${reached.toFixed(2)}`)
      }
    })

    it(`can be told from the ground where they are lines and bars, ${scheme}`, () => {
      for (const name of ['accent', 'second', 'good', 'warn', 'bad', 'term-network', 'term-queue', 'term-start']) {
        const reached = contrast(token(name, scheme), token('card', scheme))
        assert.ok(reached >= SHAPE_CONTRAST_MIN, `--${name} on --card: ${reached.toFixed(2)}`)
      }
    })
  }
})
