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

/** The names of the fields that hold a text. */
type TextKey<Fields> = { [Key in keyof Fields]: Fields[Key] extends string ? Key : never }[keyof Fields]

/** Ties inputs to the fields of a form: each shows its own, and `onChange` is told all of them, with what was written in it. */
export function boundTo<Fields extends object>(fields: Fields, onChange: (fields: Fields) => void) {
  return <Key extends TextKey<Fields>>(key: Key) => ({
    value: fields[key],
    onInput: (event: { currentTarget: { value: string } }) => onChange({ ...fields, [key]: event.currentTarget.value })
  })
}
