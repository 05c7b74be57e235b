import { useState } from 'preact/hooks'
import { formatBytes, formatDurationMs } from '../../../model/units.ts'
import { formatAge } from '../../text.ts'
import { useLiveState, useNowMs } from '../hooks.ts'
import { Empty, Loading } from '../parts/empty.tsx'
import { FunctionLink } from '../parts/links.tsx'
import { hrefOf } from '../route.ts'

/** Every function of the cluster. */
export function Functions() {
  const { functions, stats } = useLiveState()
  const nowMs = useNowMs()
  const [filter, setFilter] = useState('')
  const wanted = filter.trim().toLowerCase()
  const shown = (functions ?? []).filter(({ name, image }) => `${name} ${image}`.toLowerCase().includes(wanted))
  const warmOf = (name: string) => stats?.functions.filter(fn => fn.name === name) ?? []
  return (
    <>
      <div class="head">
        <h1>Functions</h1>
        <input
          type="search"
          placeholder="Name or image"
          aria-label="Filter the functions"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
        <a class="button primary push" href={hrefOf({ page: 'upload' })}>
          Upload function
        </a>
      </div>
      <section class="card">
        {functions === null ? (
          <Loading what="the functions" />
        ) : functions.length === 0 ? (
          <Empty title="No function yet.">
            Any image that reads stdin or serves HTTP is one. <a href={hrefOf({ page: 'upload' })}>Upload the first</a>, or run{' '}
            <code>cares upload IMAGE NAME</code>
          </Empty>
        ) : shown.length === 0 ? (
          <Empty title="No function fits the filter." />
        ) : (
          <div class="table-box">
            <table aria-label="Functions">
              <thead>
                <tr>
                  <th scope="col">Function</th>
                  <th scope="col">Contract</th>
                  <th scope="col" class="wide">
                    Image
                  </th>
                  <th scope="col" class="number">
                    Revision
                  </th>
                  <th scope="col" class="number wide">
                    CPU
                  </th>
                  <th scope="col" class="number wide">
                    Memory
                  </th>
                  <th scope="col" class="number wide">
                    Timeout
                  </th>
                  <th scope="col" class="number">
                    Warm
                  </th>
                  <th scope="col" class="number">
                    Age
                  </th>
                </tr>
              </thead>
              <tbody>
                {shown.map(fn => (
                  <tr key={fn.name}>
                    <th scope="row">
                      <FunctionLink name={fn.name} />
                    </th>
                    <td>{fn.contract}</td>
                    <td class="wide clip mono" title={fn.image}>
                      {fn.image}
                    </td>
                    <td class="number">{fn.revision}</td>
                    <td class="number wide">{fn.cpus}</td>
                    <td class="number wide">{formatBytes(fn.memoryBytes)}</td>
                    <td class="number wide">{formatDurationMs(fn.timeoutMs)}</td>
                    <td class="number">{warmOf(fn.name).reduce((sum, { idle, busy }) => sum + idle + busy, 0)}</td>
                    <td class="number">{formatAge(fn.updatedAt, nowMs)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </>
  )
}
