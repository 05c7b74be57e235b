import { Box, Text, useInput, usePaste } from 'ink'
import { createElement as h, type FunctionComponent, memo, useSyncExternalStore } from 'react'
import type { TuiState } from './state.ts'
import type { Input } from './update.ts'
import type { Ground } from './ground.ts'
import { keysOf } from './keys.ts'
import { type Line, paintLine } from './lines.ts'
import { screenLines } from './screen.ts'

/** What the screens are drawn from, and where keys go. */
export interface ScreenSource {
  readonly subscribe: (onChange: () => void) => () => void
  readonly state: () => TuiState
  readonly dispatch: (input: Input) => void
}

/** One row; drawn again only when its text has changed. */
const Row = memo(({ text }: { readonly text: string }) => h(Text, { wrap: 'truncate-end' }, text === '' ? ' ' : text))

/** Rows of text, one below the other. */
export const Rows: FunctionComponent<{ readonly lines: readonly Line[]; readonly columns: number; readonly palette: Ground | null }> = ({
  lines,
  columns,
  palette
}) =>
  h(
    Box,
    { flexDirection: 'column', width: columns, height: lines.length },
    // Rows have no identity but their place.
    ...lines.map((line, index) => h(Row, { key: index, text: paintLine(line, palette) }))
  )

/** The whole screen: shows the state, and passes on what is typed and pasted. `palette`: what is behind it; null: without colours. */
export const App: FunctionComponent<{ readonly source: ScreenSource; readonly palette: Ground | null }> = ({ source, palette }) => {
  const state = useSyncExternalStore(source.subscribe, source.state)
  useInput((input, key) => {
    for (const each of keysOf(input, key)) source.dispatch({ type: 'key', key: each })
  })
  usePaste(text => source.dispatch({ type: 'paste', text }))
  return h(Rows, { lines: screenLines(state), columns: state.size.columns, palette })
}
