const KEY = 'cares-token'

/** The API's token, kept by the browser for this tab until it is closed, and for nobody else. */
export const sessionToken = {
  load: (): string | undefined => sessionStorage.getItem(KEY) ?? undefined,
  save: (token: string): void => sessionStorage.setItem(KEY, token)
}
