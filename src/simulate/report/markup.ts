/** Text as HTML, whatever is in it. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.codePointAt(0)};`)
}

/** An element; attributes are escaped, children are markup already. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? digits(value) : value)}"`
  )
  return `<${name}${written.join('')}>${children.join('')}</${name}>`
}

/** Coordinates need no more than a tenth of a pixel. */
function digits(value: number): string {
  return String(Math.round(value * 10) / 10)
}
