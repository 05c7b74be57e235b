import type { Key } from './keys.ts'
import { graphemes, type Line } from './lines.ts'

/** One line of text that is being written. */
export interface TextField {
  readonly text: string
  /** Before which character the cursor stands: 0 to the number of characters. */
  readonly cursor: number
}

/** Longer texts are not typed; a body that is longer belongs into a file. */
const CHARACTERS_MAX = 4_096

/** A field that holds `text`, the cursor behind it. */
export function textField(text = ''): TextField {
  return { text, cursor: graphemes(text).length }
}

/** The field after a key; the same field when the key means nothing to it. */
export function editField(field: TextField, key: Key): TextField {
  const characters = graphemes(field.text)
  const { cursor } = field
  const cut = (from: number, to: number): TextField => ({ text: characters.toSpliced(from, to - from).join(''), cursor: from })
  switch (key.name) {
    case 'left':
      return { ...field, cursor: Math.max(0, cursor - 1) }
    case 'right':
      return { ...field, cursor: Math.min(characters.length, cursor + 1) }
    case 'home':
      return { ...field, cursor: 0 }
    case 'end':
      return { ...field, cursor: characters.length }
    case 'backspace':
      return cursor === 0 ? field : cut(cursor - 1, cursor)
    case 'delete':
      return cursor === characters.length ? field : cut(cursor, cursor + 1)
    case 'char':
      if (key.ctrl) return editByControl(field, key.text, cut)
      return insertText(field, key.text)
    default:
      return field
  }
}

/** The field with `text` put in where the cursor stands; line breaks and other control characters become spaces. */
export function insertText({ text, cursor }: TextField, inserted: string): TextField {
  const characters = graphemes(text)
  const added = graphemes(inserted.replaceAll(/\p{Cc}+/gu, ' ')).slice(0, Math.max(0, CHARACTERS_MAX - characters.length))
  return { text: characters.toSpliced(cursor, 0, ...added).join(''), cursor: cursor + added.length }
}

/** The field as `width` columns with its cursor; it scrolls so that the cursor is in sight. */
export function fieldLine({ text, cursor }: TextField, width: number): Line {
  const characters = graphemes(text)
  const from = Math.max(0, cursor - width + 1)
  const shown = characters.slice(from, from + width)
  const at = cursor - from
  return [shown.slice(0, at).join(''), { text: shown[at] ?? ' ', inverse: true }, shown.slice(at + 1).join('')]
}

/** The keys of every shell. */
function editByControl(field: TextField, letter: string, cut: (from: number, to: number) => TextField): TextField {
  const characters = graphemes(field.text)
  switch (letter) {
    case 'a':
      return { ...field, cursor: 0 }
    case 'e':
      return { ...field, cursor: characters.length }
    case 'u':
      return cut(0, field.cursor)
    case 'k':
      return { text: characters.slice(0, field.cursor).join(''), cursor: field.cursor }
    case 'w': {
      const before = characters.slice(0, field.cursor).join('')
      return cut(graphemes(before.replace(/\S+\s*$/, '')).length, field.cursor)
    }
    default:
      return field
  }
}
