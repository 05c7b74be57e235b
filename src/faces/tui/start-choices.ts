import type { TuiState } from './state.ts'

/** What the first screen offers. */
export interface StartChoice {
  readonly choice: 'restart' | 'create' | 'join' | 'watch'
  readonly label: string
  readonly about: string
}

/** The menu of the first screen; a machine that was a peer before is offered to be it again. */
export function startChoices({ machine, settings }: Pick<TuiState, 'machine' | 'settings'>): readonly StartChoice[] {
  const watch: StartChoice = { choice: 'watch', label: 'Watch a remote cluster', about: 'by API address, changes nothing here' }
  if (settings.readOnly) return [watch]
  const again: StartChoice[] =
    machine?.knownData == null ? [] : [{ choice: 'restart', label: 'Start the peer of this machine', about: 'it returns to its cluster' }]
  return [
    ...again,
    { choice: 'create', label: 'Create a new cluster', about: 'this machine is its first peer' },
    { choice: 'join', label: 'Join an existing cluster', about: 'you need its cluster id' },
    watch
  ]
}
