/** How the page looks: as the system does, or as the reader has said. */
export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'cares-theme'
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }

/** The theme that the reader chose last. */
export function loadTheme(): Theme {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'auto'
}

/** Shows a theme and keeps it for the next visit. */
export function setTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
  localStorage.setItem(KEY, theme)
}

/** The one that follows, for a button that goes round. */
export function nextTheme(theme: Theme): Theme {
  return NEXT[theme]
}
