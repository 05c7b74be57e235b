import { CaresError } from '../model/errors.ts'

/** Docker takes names of at most 255 characters, a tag of 128 and a digest; twice that much is none. */
const REFERENCE_CHARACTERS_MAX = 512

const HOST = String.raw`(?:[a-zA-Z0-9][a-zA-Z0-9.-]*|\[[0-9a-fA-F:]+\])(?::\d+)?`
const PATH_PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const TAG = String.raw`\w[\w.-]{0,127}`
const DIGEST = '[a-zA-Z][a-zA-Z0-9]*(?:[-_+.][a-zA-Z][a-zA-Z0-9]*)*:[0-9a-fA-F]{32,}'

/** `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, after the grammar of https://pkg.go.dev/github.com/distribution/reference. */
const REFERENCE = new RegExp(`^(?:${HOST}/)?${PATH_PART}(?:/${PATH_PART})*(?::${TAG})?(?:@${DIGEST})?$`)

/**
 * Throws `invalid` for what cannot name an image. The name becomes a part of a path at the engine: `../x` would ask for something else there, and
 * the client would even follow the engine's redirect to another host.
 */
export function requireImageReference(text: string): void {
  if (text.length <= REFERENCE_CHARACTERS_MAX && REFERENCE.test(text)) return
  throw new CaresError('invalid', `not an image reference: ${JSON.stringify(text.slice(0, REFERENCE_CHARACTERS_MAX))}`, {
    hint: 'write it as for docker run: [HOST/]NAME[:TAG]'
  })
}
