import type { ComponentChildren } from 'preact'

/** A named input of a form, with a word on what to write. `span`: over the whole width. */
export function Field({
  label,
  hint,
  span = false,
  children
}: {
  label: string
  hint: string
  span?: boolean
  children: ComponentChildren
}) {
  return (
    <label class={span ? 'span' : ''}>
      <span>
        {label} <small class="dim">{hint}</small>
      </span>
      {children}
    </label>
  )
}
