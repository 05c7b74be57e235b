import { assertNever } from '../../model/errors.ts'
import { type Area, FRAME_COLUMNS, framed, type Page, type Section } from './frame.ts'
import { ASCII, type Glyphs, UNICODE, WORDS } from './glyphs.ts'
import { dim, fitLine, type Line, type Span, withText } from './lines.ts'
import { COLUMNS_MIN, drawnRows, ROWS_MIN } from './page.ts'
import { showsMachine } from './press-view.ts'
import { offered } from './read-only.ts'
import { currentView, type Dialog, type Prompt, questionOf, type TuiState } from './state.ts'
import { fieldLine } from './text-field.ts'
import { clusterPage } from './views/home.ts'
import { functionsPage, logPage, peerPage, tasksPage } from './views/lists.ts'
import { machinePage } from './views/machine.ts'
import { monitorPage } from './views/monitor.ts'
import { formPage, startingPage, startPage } from './views/start.ts'
import { helpPage, pagerPage } from './views/text.ts'

/** All rows of the screen, each as wide as it is. */
export function screenLines(state: TuiState): readonly Line[] {
  const { columns } = state.size
  const rows = drawnRows(state.size)
  if (columns < COLUMNS_MIN || state.size.rows < ROWS_MIN) return [fitLine([`enlarge the window to ${COLUMNS_MIN}x${ROWS_MIN}`], columns)]
  const glyphs = glyphsOf(state)
  const prompt = state.prompt === null ? [] : promptLines(state.prompt, columns)
  const dialog = state.dialog === null ? [] : [dialogSection(state.dialog, state)]
  // The last rule, and a question with its heading.
  const height = rows - prompt.length - 1 - dialog.length * (DIALOG_HEIGHT + 1)
  const page = pageOf(state, { width: columns - FRAME_COLUMNS, height, glyphs })
  const keys = offered(state, page.keys)
  const notice =
    dialog.length > 0 ? [] : state.notice === null ? undefined : [{ text: state.notice.text, tone: state.notice.tone, bold: true }]
  const lines = [...framed({ keys, sections: [...fitted(page.sections, height), ...dialog] }, columns, glyphs, notice), ...prompt]
  return state.settings.unicode ? lines : lines.map(inAscii)
}

/** Shared code marks what it has cut with an ellipsis. */
function inAscii(line: Line): Line {
  const ascii = (text: string): string => text.replaceAll('…', '~')
  return line.map(span => (typeof span === 'string' ? ascii(span) : withText(span, ascii(span.text))))
}

/** What the terminal can show. */
function glyphsOf({ settings }: Pick<TuiState, 'settings'>): Glyphs {
  if (settings.screenReader) return WORDS
  return settings.unicode ? UNICODE : ASCII
}

/** The sections in exactly `height` rows, headings included: on a low screen the last ones give way, on a high one the last one grows. */
function fitted(sections: readonly Section[], height: number): readonly Section[] {
  const shown: Section[] = []
  let left = height
  for (const section of sections) {
    if (left <= 0) break
    const rows = Math.min(section.height, left - 1)
    shown.push({ ...section, height: rows })
    left -= rows + 1
  }
  const last = shown.pop()
  return last === undefined ? [] : [...shown, { ...last, height: last.height + left }]
}

function pageOf(state: TuiState, area: Area): Page {
  const view = currentView(state)
  switch (view.name) {
    case 'start':
      return startPage(state, area, view.selected)
    case 'form':
      return formPage(state, area, view.form)
    case 'starting':
      return startingPage(state, area)
    case 'home':
      return showsMachine(state, view.shows) ? machinePage(state, area) : clusterPage(state, area)
    case 'peer':
      return peerPage(state, area, view.id)
    case 'monitor':
      return monitorPage(state, area, view.top)
    case 'functions':
      return functionsPage(state, area, view.selected)
    case 'tasks':
      return tasksPage(state, area, view.selected)
    case 'log':
      return logPage(state, area)
    case 'help':
      return helpPage(area, view.top)
    case 'pager':
      return pagerPage(view, area)
    default:
      return assertNever(view)
  }
}

const DIALOG_HEIGHT = 2

function dialogSection(dialog: Dialog, state: TuiState): Section {
  const answers = dialog.choices.flatMap(({ key, label }): Span[] => [{ text: `[${key}]`, tone: 'accent', bold: true }, ` ${label}   `])
  return {
    title: [{ text: 'Please choose', bold: true, tone: 'warn' }],
    rows: [[{ text: questionOf(dialog, state), bold: true }], answers],
    height: DIALOG_HEIGHT
  }
}

function promptLines(prompt: Prompt, columns: number): readonly Line[] {
  const sign = prompt.kind === 'filter' ? '/' : ':'
  const line = fitLine([{ text: sign, bold: true, tone: 'accent' }, ...fieldLine(prompt.field, columns - 2)], columns)
  if (prompt.kind === 'filter' || prompt.candidates.length === 0) return [line]
  return [fitLine([dim(prompt.candidates.join('  '))], columns), line]
}
