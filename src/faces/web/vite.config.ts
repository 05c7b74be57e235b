import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** Builds the dashboard: `npm run build:web`. What it makes is served by every peer, see `src/api/dashboard.ts`. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../../../dist/web', import.meta.url)),
    emptyOutDir: true,
    // Nothing as data: URL: the page's policy lets it load from its peer only.
    assetsInlineLimit: 0,
    // One script: there is nothing to load ahead.
    modulePreload: false,
    target: 'es2023',
    // The first with light-dark(), which older targets would have spelled out at twice the size.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5']
  }
})
