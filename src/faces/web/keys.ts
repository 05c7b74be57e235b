import { type Route, SECTIONS } from './route.ts'

/** What keys do besides what the browser gives them to do. */
export interface KeyActions {
  readonly go: (route: Route) => void
  readonly help: () => void
  readonly leave: () => void
}

/** A `g` waits so long for the letter that says where to. */
const CHORD_MS = 1_500

/** Listens for keys wherever nobody is writing: `/` to the filter, `g` and a letter to a page, `?` for help. Returns how to stop. */
export function listenForKeys({ go, help, leave }: KeyActions): () => void {
  let chordUntilMs = 0
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return
    const section = event.timeStamp < chordUntilMs ? SECTIONS.find(({ key }) => key === event.key) : undefined
    chordUntilMs = event.key === 'g' ? event.timeStamp + CHORD_MS : 0
    if (section !== undefined) go({ page: section.page })
    else if (event.key === '/') document.querySelector<HTMLInputElement>('input[type=search]')?.focus()
    else if (event.key === '?') help()
    else if (event.key === 'Escape') leave()
    else return
    event.preventDefault()
  }
  addEventListener('keydown', onKey)
  return () => removeEventListener('keydown', onKey)
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
}
