import type { Key } from './keys.ts'
import { editField, insertText, type TextField, textField } from './text-field.ts'

/** What a form is for; decides what its answers become. */
export type FormKind = 'create' | 'join' | 'watch' | 'upload' | 'invoke' | 'run'

/** One thing that a form asks. */
export interface FormField {
  readonly key: string
  readonly label: string
  readonly value: TextField
  /** Absent: any text. The first is the default. */
  readonly choices?: readonly string[] | undefined
  /** Shown while nothing is written. */
  readonly placeholder?: string | undefined
  /** Shown beside the field. */
  readonly hint?: string | undefined
}

/** A few questions on one screen. */
export interface Form {
  readonly kind: FormKind
  readonly title: string
  readonly fields: readonly FormField[]
  readonly focus: number
  /** What was wrong with the answers, and what to do about it. */
  readonly problem: readonly string[]
}

/** What a key does to a form. */
export type FormOutcome = { readonly type: 'changed'; readonly form: Form } | { readonly type: 'submit' } | { readonly type: 'cancel' }

/** A field of text. */
export function textual(
  key: string,
  label: string,
  { value = '', placeholder, hint }: { value?: string; placeholder?: string; hint?: string } = {}
): FormField {
  return { key, label, value: textField(value), placeholder, hint }
}

/** A field with a few answers. */
export function choice(
  key: string,
  label: string,
  choices: readonly string[],
  { value = choices[0] ?? '', hint }: { value?: string; hint?: string } = {}
): FormField {
  return { key, label, value: textField(value), choices, hint }
}

/** The form after a key. */
export function pressInForm(form: Form, key: Key): FormOutcome {
  if (key.name === 'escape') return { type: 'cancel' }
  if (key.name === 'enter') return { type: 'submit' }
  if (key.name === 'tab' || key.name === 'down') return changed(focused(form, form.focus + 1))
  if (key.name === 'up') return changed(focused(form, form.focus - 1))
  const field = form.fields[form.focus]
  if (field === undefined) return changed(form)
  return changed(withField(form, field.choices === undefined ? { ...field, value: editField(field.value, key) } : chosen(field, key)))
}

/** The form after a paste into its field. */
export function pasteInForm(form: Form, text: string): Form {
  const field = form.fields[form.focus]
  if (field === undefined || field.choices !== undefined) return form
  // What is pasted from a terminal often ends with its line.
  return withField(form, { ...field, value: insertText(field.value, text.trim()) })
}

/** The answer to a field, without blanks around it. */
export function answer({ fields }: Form, key: string): string {
  return fields.find(field => field.key === key)?.value.text.trim() ?? ''
}

function changed(form: Form): FormOutcome {
  return { type: 'changed', form }
}

function focused(form: Form, focus: number): Form {
  const { length } = form.fields
  return { ...form, focus: (focus + length) % length }
}

function withField(form: Form, field: FormField): Form {
  return { ...form, problem: [], fields: form.fields.with(form.focus, field) }
}

function chosen(field: FormField, { name, text }: Key): FormField {
  const { choices = [], value } = field
  const at = choices.indexOf(value.text)
  const step = name === 'right' || text === ' ' ? 1 : name === 'left' ? -1 : 0
  return step === 0 ? field : { ...field, value: textField(choices[(at + step + choices.length) % choices.length]) }
}
