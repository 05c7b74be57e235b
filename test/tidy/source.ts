import { readFileSync } from 'node:fs'
import { type Comment, parseSync } from 'oxc-parser'

/** Any node of the syntax tree (ESTree with TypeScript's additions), as loosely as the rules need it. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** One `import`, `export … from`, `import()` or `new URL('./…', import.meta.url)` of a file. */
export interface Import {
  readonly specifier: string
  readonly start: number
}

/** A file as the rules see it. */
export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
  readonly program: Node
  readonly comments: readonly Comment[]
  readonly imports: readonly Import[]
}

/** Parses `text` as the file at `path`. Throws when it is not TypeScript or JavaScript. */
export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text, { astType: 'ts', sourceType: 'module' })
  const [error] = parsed.errors
  if (error !== undefined) throw new Error(`${path}: ${error.message}`)
  const program = parsed.program as unknown as Node
  const imports: Import[] = []
  walk(program, node => {
    const source = isUrlOfFile(node) ? (node['arguments'] as readonly unknown[])[0] : node['source']
    if (isNode(source) && typeof source['value'] === 'string') imports.push({ specifier: source['value'], start: node.start })
  })
  return { path, text, program, comments: parsed.comments, imports }
}

/** `new URL('./x.ts', import.meta.url)`: how a file names another that it loads or starts later. */
function isUrlOfFile(node: Node): boolean {
  if (node.type !== 'NewExpression' || nameOf(node['callee']) !== 'URL') return false
  const [path, base] = node['arguments'] as readonly Node[]
  const object = base?.type === 'MemberExpression' ? base['object'] : undefined
  return typeof path?.['value'] === 'string' && /\.[jt]s$/.test(path['value']) && isNode(object) && object.type === 'MetaProperty'
}

/** Reads and parses one file of the repository. */
export function readSource(root: URL, path: string): SourceFile {
  return parseSource(path, readFileSync(new URL(path, root), 'utf8'))
}

/** Visits `node` and everything below it, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(child)) walk(child, visit)
  }
}

/** Whether a value found in the tree is itself a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The name of an identifier; undefined for any other node. */
export function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' && typeof value['name'] === 'string' ? value['name'] : undefined
}

/** 1-based line of a place in a file. */
export function lineOf(file: SourceFile, start: number): number {
  return file.text.slice(0, start).split('\n').length
}

/** The file of this repository that a relative specifier means. */
export function resolveRelative(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1)
}
