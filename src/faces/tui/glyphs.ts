/** The characters that the screen is drawn with. */
export interface Glyphs {
  readonly border: {
    readonly topLeft: string
    readonly topRight: string
    readonly bottomLeft: string
    readonly bottomRight: string
    readonly left: string
    readonly right: string
    readonly horizontal: string
    readonly vertical: string
  } | null
  /** Of a bar: in use, promised but idle, free. Null: bars are left out, and their numbers speak. */
  readonly bar: { readonly used: string; readonly reserved: string; readonly free: string } | null
  /** Of a chart, from nothing to all, eight steps and the empty one. */
  readonly levels: readonly string[]
  readonly cursor: string
  readonly orchestrator: string
  readonly dash: string
  readonly dot: string
}

/** For terminals that show more than ASCII. */
export const UNICODE: Glyphs = {
  border: {
    topLeft: '╭',
    topRight: '╮',
    bottomLeft: '╰',
    bottomRight: '╯',
    left: '├',
    right: '┤',
    horizontal: '─',
    vertical: '│'
  },
  bar: { used: '█', reserved: '▒', free: '·' },
  levels: [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  cursor: '▸',
  orchestrator: '★',
  dash: '–',
  dot: '·'
}

/** For terminals without UTF-8. */
export const ASCII: Glyphs = {
  border: { topLeft: '+', topRight: '+', bottomLeft: '+', bottomRight: '+', left: '+', right: '+', horizontal: '-', vertical: '|' },
  bar: { used: '#', reserved: '=', free: '.' },
  levels: [' ', '.', '.', ':', '-', '=', '+', '*', '#'],
  cursor: '>',
  orchestrator: '*',
  dash: '-',
  dot: '|'
}

/** For screen readers: no frame and no bars, words and numbers only. */
export const WORDS: Glyphs = {
  border: null,
  bar: null,
  levels: [],
  cursor: '>',
  orchestrator: '*',
  dash: '-',
  dot: ','
}
