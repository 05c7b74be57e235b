import { render } from 'ink'
import { createElement as h } from 'react'
import { App } from './app.ts'
import type { TuiEnvironment } from './environment.ts'
import { askGround } from './ground.ts'
import { type Ending, TuiStore } from './store.ts'

/** Keys are shown at once up to this rate; what happens by itself comes twice a second. */
const FRAMES_PER_SECOND_MAX = 15

/** Shows the screens on a terminal until the user quits. Both streams must be one. */
export async function openTui(environment: TuiEnvironment): Promise<Ending> {
  const { stdin, stdout, stderr, settings } = environment
  const palette = settings.colour ? await askGround(environment) : null
  const store = new TuiStore(environment)
  const screen = render(h(App, { source: store, palette }), {
    stdin,
    stdout,
    stderr,
    // Asked first: this process may be a peer.
    exitOnCtrlC: false,
    alternateScreen: !settings.screenReader,
    isScreenReaderEnabled: settings.screenReader,
    incrementalRendering: true,
    interactive: true,
    maxFps: FRAMES_PER_SECOND_MAX
  })
  store.start()
  try {
    return await Promise.race([store.ended, screen.waitUntilExit().then((): Ending => ({ abandons: true }))])
  } finally {
    store.stop()
    screen.unmount()
    await screen.waitUntilExit()
  }
}
