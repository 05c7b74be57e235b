import { useEffect, useState } from 'preact/hooks'

/** How long the button says that it has copied. */
const SAID_MS = 1_500

/** A text in one line, with a button that copies it. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return
    const timer = setTimeout(() => setSaid(''), SAID_MS)
    return () => clearTimeout(timer)
  }, [said])
  // Browsers lend the clipboard only to pages of this machine or of https: elsewhere the text can be marked by hand.
  const clipboard = navigator.clipboard as Clipboard | undefined
  return (
    <span class="copy">
      <code>{text}</code>
      {clipboard === undefined ? null : (
        <button
          type="button"
          aria-label={`Copy ${label}`}
          onClick={() => {
            clipboard.writeText(text).then(
              () => setSaid('Copied'),
              () => setSaid('Refused')
            )
          }}
        >
          {said === '' ? 'Copy' : said}
        </button>
      )}
    </span>
  )
}
