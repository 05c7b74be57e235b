import { graphemes } from './lines.ts'

/** A key as the screens know it, whatever the terminal sent for it. */
export interface Key {
  readonly name: KeyName
  /** The character of a `char`. */
  readonly text: string
  readonly ctrl: boolean
}

/** Keys with a name; everything that writes a character is `char`. */
export type KeyName = keyof typeof NAMES | 'char'

/** What the terminal library calls them. */
const NAMES = {
  up: 'upArrow',
  down: 'downArrow',
  left: 'leftArrow',
  right: 'rightArrow',
  pageUp: 'pageUp',
  pageDown: 'pageDown',
  home: 'home',
  end: 'end',
  enter: 'return',
  escape: 'escape',
  tab: 'tab',
  backspace: 'backspace',
  delete: 'delete'
} as const

/** The part of the library's key that is read here. */
export type TerminalKey = Readonly<Partial<Record<(typeof NAMES)[keyof typeof NAMES] | 'ctrl' | 'meta' | 'shift', boolean>>>

/** Characters that mean a key where several arrive at once, as from a slow line or a script. */
const CONTROLS: Readonly<Record<string, KeyName>> = {
  '\r\n': 'enter',
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\u001B': 'escape',
  '\u007F': 'backspace',
  '\b': 'backspace'
}

/** The keys in what the terminal sent at once: mostly one. */
export function keysOf(input: string, key: TerminalKey): readonly Key[] {
  for (const [name, flag] of Object.entries(NAMES) as [KeyName, keyof TerminalKey][]) {
    if (key[flag] !== true) continue
    const pressed = { name, text: '', ctrl: key.ctrl === true }
    return name === 'escape' && key.meta === true ? [pressed, pressed] : [pressed]
  }
  // Escape and a letter that come at once look like a letter with Alt; no view uses that, so it is what the user meant.
  if (key.meta === true) return [{ name: 'escape', text: '', ctrl: false }, ...graphemes(input).map(charKey)]
  if (key.ctrl === true) return [{ name: 'char', text: input, ctrl: true }]
  return graphemes(input).map(character => {
    const name = CONTROLS[character]
    return name === undefined ? { name: 'char', text: character, ctrl: false } : { name, text: '', ctrl: false }
  })
}

/** The key that writes `text`. */
export function charKey(text: string): Key {
  return { name: 'char', text, ctrl: false }
}

/** How far a key moves a cursor in a list of `page` visible rows; undefined when it does not move one. */
export function movement({ name, text, ctrl }: Key, page: number): number | undefined {
  if (name === 'up' || (name === 'char' && !ctrl && text === 'k')) return -1
  if (name === 'down' || (name === 'char' && !ctrl && text === 'j')) return 1
  if (name === 'pageUp' || (ctrl && text === 'u')) return -page
  if (name === 'pageDown' || (ctrl && text === 'f') || text === ' ') return page
  if (name === 'home' || text === 'g') return Number.NEGATIVE_INFINITY
  if (name === 'end' || text === 'G') return Number.POSITIVE_INFINITY
  return undefined
}
