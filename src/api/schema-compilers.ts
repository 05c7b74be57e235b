import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { CaresError } from '../model/errors.ts'
import { parseWith } from '../model/validation.ts'

/** What the parts of a request are called in messages. */
const PART_NAMES: Readonly<Record<string, string>> = {
  body: 'the request body',
  querystring: 'the query',
  params: 'the path',
  headers: 'the request header'
}

/** Checks a part of a request by its zod schema; what is wrong becomes the error `invalid`, with the issues in its details. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart = 'body' }) =>
  value => {
    try {
      return { value: parseWith(schema, value, PART_NAMES[httpPart] ?? httpPart) }
    } catch (error) {
      if (error instanceof CaresError) return { error }
      throw error
    }
  }
