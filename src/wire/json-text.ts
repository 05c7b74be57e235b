import type { z } from 'zod'
import { refuse } from './check.ts'

/** What a JSON text holds, if it has the shape. Throws `protocol`. */
export function readJson<Value>(name: string, schema: z.ZodType<Value>, json: string, charsMax: number): Value {
  if (json.length > charsMax) refuse(`${name} has ${json.length} characters, more than ${charsMax}`)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return refuse(`${name} is not JSON`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  return refuse(`${name} is not valid at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}
