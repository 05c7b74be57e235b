import { z } from 'zod'
import { problemSchema } from '../../model/rest.ts'
import { PROBLEM_TYPE } from '../errors.ts'

/** The sections of the API's documentation. */
export type Tag = 'calls' | 'functions' | 'invocations' | 'tasks' | 'peers' | 'cluster' | 'observe'

/** Unknown fields in a request are refused, so a route without a query of its own takes none. */
const noQuery = z.strictObject({})

/** What every route says of itself: its answers by status, and that everything else is a problem document. */
export function documented<const Answers extends Readonly<Record<number, z.ZodType>>>(tag: Tag, summary: string, answers: Answers) {
  return { tags: [tag], summary, querystring: noQuery, response: { ...answers, ...problems() } }
}

/** Answers that are not JSON of CARES: `text` by media type, and problem documents. */
export function documentedText(tag: Tag, summary: string, media: string, description: string) {
  return {
    tags: [tag],
    summary,
    querystring: noQuery,
    response: { 200: { description, content: { [media]: { schema: z.string() } } }, ...problems() }
  }
}

function problems() {
  const problem = { description: 'what went wrong, with its code', content: { [PROBLEM_TYPE]: { schema: problemSchema } } }
  return { '4xx': problem, '5xx': problem }
}
