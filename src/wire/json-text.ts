import { z } from 'zod'
import { CaresError } from '../model/errors.ts'
import { refuse } from './check.ts'

/** What a JSON text holds, checked by a schema. Throws `protocol` for a text of more than `charsMax` characters, no JSON, or another shape. */
export function readJson<Value>(name: string, schema: z.ZodType<Value>, json: string, charsMax: number): Value {
  const result = schema.safeParse(parsed(name, json, charsMax))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  return refuse(`${name} is not valid at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

/** The same, checked by a `quickReader`: for texts that come by the thousand. */
export function readJsonWith<Value>(name: string, read: (value: unknown, what: string) => Value, json: string, charsMax: number): Value {
  const value = parsed(name, json, charsMax)
  try {
    return read(value, name)
  } catch (err) {
    if (err instanceof CaresError) return refuse(err.message)
    throw err
  }
}

/** `json` itself, if it is the text of an object. Throws `protocol`. */
export function objectText(json: string, name: string, charsMax: number): string {
  readJson(name, z.record(z.string(), z.unknown()), json, charsMax)
  return json
}

function parsed(name: string, json: string, charsMax: number): unknown {
  if (json.length > charsMax) refuse(`${name} has ${json.length} characters, more than ${charsMax}`)
  try {
    return JSON.parse(json)
  } catch {
    return refuse(`${name} is not JSON`)
  }
}
