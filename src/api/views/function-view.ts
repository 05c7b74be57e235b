import type { FunctionRecord } from '../../model/function.ts'
import type { FunctionItem } from '../../model/rest.ts'
import { REST_PATHS, restPath } from '../../model/rest-paths.ts'

/**
 * A function, with the URL that calls it.
 *
 * @param origin - `http://host:port` by which the client reached this peer
 */
export function functionView(record: FunctionRecord, origin: string): FunctionItem {
  return { ...record, env: { ...record.env }, url: origin + restPath(REST_PATHS.invoke, { name: record.name }) }
}
