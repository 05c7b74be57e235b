import type { ComponentChildren } from 'preact'

/** Said where there is nothing to list: why, and what would change that. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty-state">
      <p>
        <strong>{title}</strong>
      </p>
      {children === undefined ? null : <p class="dim">{children}</p>}
    </div>
  )
}

/** Shown until the first answer has come. */
export function Loading({ what }: { what: string }) {
  return (
    <p class="empty-state dim" aria-busy="true">
      Asking for {what}…
    </p>
  )
}
