/** The pages, as the part of the address behind `#/`. Paths of the API are never touched. */
export type Route =
  | { readonly page: 'overview' }
  | { readonly page: 'peers' }
  | { readonly page: 'peer'; readonly id: string }
  | { readonly page: 'functions' }
  | { readonly page: 'upload' }
  | { readonly page: 'function'; readonly name: string }
  | { readonly page: 'calls' }
  | { readonly page: 'call'; readonly id: string }
  | { readonly page: 'tasks' }
  | { readonly page: 'task'; readonly id: string }
  /** A form for a task: empty, or with what is known of a function or of an earlier task. */
  | { readonly page: 'run'; readonly like: 'nothing' | 'function' | 'task'; readonly id: string }
  | { readonly page: 'costs' }
  | { readonly page: 'map' }
  | { readonly page: 'events' }
  | { readonly page: 'unknown' }

/** Pages that the navigation lists, in its order, with the key that follows `g`. */
export const SECTIONS = [
  { page: 'overview', title: 'Overview', key: 'o' },
  { page: 'peers', title: 'Peers', key: 'p' },
  { page: 'functions', title: 'Functions', key: 'f' },
  { page: 'calls', title: 'Calls', key: 'c' },
  { page: 'tasks', title: 'Tasks', key: 't' },
  { page: 'map', title: 'Map', key: 'm' },
  { page: 'events', title: 'Events', key: 'e' },
  { page: 'costs', title: 'Costs', key: 's' }
] as const satisfies readonly { page: Route['page']; title: string; key: string }[]

/** The page that a `location.hash` names. */
export function parseRoute(hash: string): Route {
  const [section = '', ...rest] = hash.replace(/^#?\/?/, '').split('/')
  const name = decode(rest.join('/'))
  if (name === undefined) return { page: 'unknown' }
  switch (section) {
    case '':
      return { page: 'overview' }
    case 'peers':
      return name === '' ? { page: 'peers' } : { page: 'peer', id: name }
    case 'functions':
      return name === '' ? { page: 'functions' } : { page: 'function', name }
    case 'calls':
      return name === '' ? { page: 'calls' } : { page: 'call', id: name }
    case 'tasks':
      return name === '' ? { page: 'tasks' } : { page: 'task', id: name }
    case 'run':
      if (name === '') return { page: 'run', like: 'nothing', id: '' }
      return parseRun(name)
    case 'upload':
    case 'costs':
    case 'map':
    case 'events':
      return name === '' ? { page: section } : { page: 'unknown' }
    default:
      return { page: 'unknown' }
  }
}

/** The `href` of a page; the opposite of {@link parseRoute}. */
export function hrefOf(route: Route): string {
  switch (route.page) {
    case 'overview':
    case 'unknown':
      return '#/'
    case 'peer':
      return `#/peers/${encodeURIComponent(route.id)}`
    case 'function':
      return `#/functions/${encodeURIComponent(route.name)}`
    case 'task':
      return `#/tasks/${encodeURIComponent(route.id)}`
    case 'call':
      return `#/calls/${encodeURIComponent(route.id)}`
    case 'run':
      return route.like === 'nothing' ? '#/run' : `#/run/${route.like}/${encodeURIComponent(route.id)}`
    default:
      return `#/${route.page}`
  }
}

/** Which of the {@link SECTIONS} a page belongs to; undefined for a page of none. */
export function sectionOf({ page }: Route): (typeof SECTIONS)[number]['page'] | undefined {
  switch (page) {
    case 'peer':
      return 'peers'
    case 'function':
    case 'upload':
      return 'functions'
    case 'task':
    case 'run':
      return 'tasks'
    case 'call':
      return 'calls'
    case 'unknown':
      return undefined
    default:
      return page
  }
}

function parseRun(rest: string): Route {
  const [, like, id = ''] = /^(function|task)\/(.+)$/s.exec(rest) ?? []
  return like === 'function' || like === 'task' ? { page: 'run', like, id } : { page: 'unknown' }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // A `%` that begins nothing: no page has such an address.
    return undefined
  }
}
