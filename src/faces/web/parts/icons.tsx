import type { Route } from '../route.ts'

const PATHS: Readonly<Partial<Record<Route['page'], string>>> = {
  overview: 'M2 13.5h12M4 11V7M8 11V3M12 11V5.5',
  peers: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  functions: 'M5.5 3 1.8 8l3.7 5M10.5 3l3.7 5-3.7 5M9 2.5 7 13.5',
  calls: 'M2 5h11M10 2l3 3-3 3M14 11H3M6 8l-3 3 3 3',
  tasks: 'M2.5 2.5h11v11h-11zM5 8l2 2 4-4',
  costs: 'M8 1.5v13M11.5 4.5C11 3.4 9.7 3 8 3 6 3 4.7 4 4.7 5.4c0 3.4 6.8 1.6 6.8 5 0 1.5-1.5 2.6-3.5 2.6-1.8 0-3.2-.6-3.7-1.8',
  map: 'M8 8 3.5 3.8M8 8l5-3.5M8 8l-1 5.5M8 6a2 2 0 1 1 0 4 2 2 0 0 1 0-4M3 2.2a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6M13.2 2.9a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6M7 12.2a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6',
  events: 'M2.5 4h.01M2.5 8h.01M2.5 12h.01M5.5 4h8M5.5 8h8M5.5 12h5'
}

/** The sign of a page, drawn in the colour of the text beside it. */
export function Icon({ page }: { page: Route['page'] }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[page] ?? ''} />
    </svg>
  )
}

/** The sign of CARES: peers around the one that orchestrates. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M16 16V7.5M16 16l-7.4 4.8M16 16l7.4 4.8" />
      <circle cx="16" cy="16" r="4" />
      <circle cx="16" cy="7" r="2.6" />
      <circle cx="8.2" cy="21" r="2.6" />
      <circle cx="23.8" cy="21" r="2.6" />
    </svg>
  )
}
