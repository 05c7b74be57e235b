import { useRef } from 'preact/hooks'
import { bytesText } from '../words.ts'

/** Sends a file instead of what is written: by a button, because the browser's own field looks like no other. */
export function FileChoice({
  label,
  file,
  onChange
}: {
  label: string
  file: File | undefined
  onChange: (file: File | undefined) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div class="file-choice">
      <input
        ref={input}
        type="file"
        hidden
        onChange={event => {
          onChange(event.currentTarget.files?.[0])
          // So that the same file can be chosen again.
          event.currentTarget.value = ''
        }}
      />
      <button type="button" class="small" onClick={() => input.current?.click()}>
        {file === undefined ? label : 'Another file'}
      </button>
      {file === undefined ? null : (
        <>
          <span class="mono clip">{file.name}</span> <span class="dim">{bytesText(file.size)}</span>
          <button type="button" class="quiet" onClick={() => onChange(undefined)}>
            No file
          </button>
        </>
      )}
    </div>
  )
}
