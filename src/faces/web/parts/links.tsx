import { hrefOf } from '../route.ts'

/** A peer by its name. */
export function PeerLink({ peer }: { peer: { readonly id: string; readonly name: string } }) {
  return (
    <a class="name" href={hrefOf({ page: 'peer', id: peer.id })} title={peer.name}>
      {peer.name}
    </a>
  )
}

/** A function by its name. */
export function FunctionLink({ name }: { name: string }) {
  return (
    <a class="name" href={hrefOf({ page: 'function', name })} title={name}>
      {name}
    </a>
  )
}

/** A call by the end of its id, which tells calls apart. */
export function CallLink({ id }: { id: string }) {
  return (
    <a class="mono" href={hrefOf({ page: 'call', id })} title={id} aria-label={`Call ${id}`}>
      …{id.slice(-6)}
    </a>
  )
}
