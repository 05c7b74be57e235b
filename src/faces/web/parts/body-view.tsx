import { useEffect, useState } from 'preact/hooks'
import type { ReadBody } from '../read-body.ts'
import { bytesText } from '../words.ts'

/** What came back: as a picture, or as text whatever it is (nothing of it is run), and as a file. */
export function BodyView({ body, empty, name }: { body: ReadBody; empty: string; name: string }) {
  const url = useObjectUrl(body.blob)
  if (body.bytes === 0) return <p class="dim">{empty}</p>
  if (url === undefined) return null
  return (
    <>
      {body.isPicture ? (
        <img class="picture" src={url} alt="What came back" />
      ) : body.text === null ? (
        <p class="note">
          {bytesText(body.bytes)} of {body.blob.type === '' ? 'bytes that are no text' : body.blob.type}.
        </p>
      ) : (
        <pre tabIndex={0}>{body.text}</pre>
      )}
      <p class="dim">
        <a href={url} download={name}>
          Save it
        </a>
        {body.isCut
          ? `: its first ${bytesText(body.bytes)}`
          : body.text !== null && !body.isShownWhole
            ? '; only the beginning is shown'
            : ''}
      </p>
    </>
  )
}

function useObjectUrl(blob: Blob): string | undefined {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(blob)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  return url
}
