import { CaresError } from '../model/errors.ts'

/** The words of a command line as a shell splits it: by blanks, but not within quotes. Throws `invalid` for a quote without an end. */
export function shellWords(line: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? ''
    if (quote !== '') {
      if (character === quote) quote = ''
      else if (character === '\\' && quote === '"' && /["\\]/.test(line[at + 1] ?? '')) word += line[++at] ?? ''
      else word += character
    } else if (character === "'" || character === '"') {
      quote = character
      word ??= ''
    } else if (character === '\\' && at + 1 < line.length) word = (word ?? '') + (line[++at] ?? '')
    else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== '') throw new CaresError('invalid', `a ${quote} has no end`)
  return word === undefined ? words : [...words, word]
}

/** The line that a shell splits into these words. */
export function shellLine(words: readonly string[]): string {
  return words.map(word => (/^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ')
}
