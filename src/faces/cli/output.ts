import { once } from 'node:events'
import { styleText } from 'node:util'
import type { TableView, Tone } from '../table.ts'
import type { OutputSettings, Result, Screen, StreamResult, Terminal } from './command.ts'
import { renderTable } from '../table.ts'

const TONE_STYLES = { good: 'green', warn: 'yellow', bad: 'red', dim: 'dim' } as const

/** The view of a table that suits a screen and what the user asked for. */
function tableView(
  screen: Screen,
  { format, colour, unicode }: Pick<OutputSettings, 'format' | 'colour'> & Partial<Pick<OutputSettings, 'unicode'>>
): TableView {
  return {
    wide: format === 'wide',
    unicode,
    width: screen.isTTY === true && format !== 'wide' ? screen.columns : undefined,
    paint: colour.stdout ? paintTone : undefined
  }
}

/** The text in the colour of its tone: the terminal's own 16 colours, which fit light and dark screens. */
function paintTone(text: string, tone: Tone): string {
  return styleText(TONE_STYLES[tone], text, { validateStream: false })
}

/** Prints what a command gave back, data to stdout and remarks to stderr, and returns the exit code. */
export async function printResult(
  result: Result,
  terminal: Terminal,
  settings: OutputSettings,
  note: (line: string) => void
): Promise<number> {
  switch (result.kind) {
    case 'written':
      break
    case 'stream':
      await printStream(result, terminal, settings)
      return 0
    case 'list': {
      const view = tableView(terminal.stdout, settings)
      const items = result.data.items
      if (settings.format === 'jsonl') await write(terminal.stdout, items.map(item => `${JSON.stringify(item)}\n`).join(''))
      else if (isTabular(settings)) {
        if (items.length === 0) note(result.empty)
        else await write(terminal.stdout, text(renderTable(result.table, view)))
      } else await write(terminal.stdout, await structured(result.data, result.names, settings))
      break
    }
    case 'item': {
      const view = tableView(terminal.stdout, settings)
      await write(terminal.stdout, isTabular(settings) ? text(result.lines(view)) : await structured(result.data, result.names, settings))
      break
    }
  }
  return result.exitCode ?? 0
}

/** Writes to a stream, and waits when its reader is slower. */
export async function write(screen: Screen, chunk: string | Uint8Array): Promise<void> {
  if (chunk.length > 0 && !screen.write(chunk)) await once(screen, 'drain')
}

async function printStream({ items, ends = false }: StreamResult, { stdout }: Terminal, settings: OutputSettings): Promise<void> {
  if (ends && (settings.format === 'json' || settings.format === 'yaml')) {
    const all = (await Array.fromAsync(items)).map(({ data }) => data)
    return await write(stdout, await structured({ items: all }, [], settings))
  }
  const view = tableView(stdout, settings)
  let linesDrawn = 0
  for await (const item of items) {
    if (!isTabular(settings)) {
      await write(stdout, await structuredItem(item.data, item.name, settings))
    } else if (item.frame !== undefined && stdout.isTTY === true) {
      const lines = item.frame(view)
      // Up to where the last picture began, then clear to the end of the screen: nothing above it is lost.
      await write(stdout, (linesDrawn === 0 ? '' : `\u001B[${linesDrawn}A\u001B[J`) + text(lines))
      linesDrawn = lines.length
    } else await write(stdout, `${item.line}\n`)
  }
}

function isTabular({ format }: Pick<OutputSettings, 'format'>): boolean {
  return format === 'table' || format === 'wide'
}

async function structured(data: unknown, names: readonly string[], { format }: OutputSettings): Promise<string> {
  if (format === 'name') return text(names)
  if (format === 'yaml') return (await import('yaml')).stringify(data)
  return `${format === 'jsonl' ? JSON.stringify(data) : JSON.stringify(data, null, 2)}\n`
}

/** A stream is never indented: one object is one line, so that a reader need not parse ahead. */
async function structuredItem(data: unknown, name: string, { format }: OutputSettings): Promise<string> {
  if (format === 'name') return `${name}\n`
  if (format === 'yaml') return `---\n${(await import('yaml')).stringify(data)}`
  return `${JSON.stringify(data)}\n`
}

function text(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
