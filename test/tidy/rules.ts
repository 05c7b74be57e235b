import { allowsPackage, COMMENT_WIDTH_MAX, IMPURE_GLOBALS, LINES_MAX, RESTRICTIONS, roomOf, within } from './rooms.ts'
import { isNode, lineOf, type Node, nameOf, resolveRelative, type SourceFile, walk } from './source.ts'

/** Something that is not as it should be, with what to do instead. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** A claim about every file on its own. */
export interface FileRule {
  readonly claim: string
  readonly check: (file: SourceFile) => readonly Finding[]
}

/** The claims of the tidy test that need to look at one file only. */
export const FILE_RULES: readonly FileRule[] = [
  { claim: 'imports go one way, between rooms and to packages', check: importsOneWay },
  { claim: 'clock, timers, random, environment and console are used only where they may be', check: restrictedUses },
  { claim: 'pure rooms do not wait and do not touch the outside', check: purity },
  { claim: 'no module has state or does work at import', check: inertModules },
  { claim: 'every exported name says what it is', check: exportsDocumented },
  { claim: 'no error is swallowed without a word', check: noSwallowing },
  { claim: 'nothing is left unfinished', check: nothingUnfinished },
  { claim: 'files are named in kebab-case, and none is a barrel', check: fileNames },
  { claim: 'files are short', check: fileLengths },
  { claim: 'comments fit on a screen', check: commentWidths },
  { claim: 'every test asserts something, and skips nothing without a reason', check: specsAssert }
]

/** Files that nothing reaches from `entries` by imports. */
export function deadFiles(files: readonly SourceFile[], entries: readonly string[]): readonly Finding[] {
  const byPath = new Map(files.map(file => [file.path, file]))
  const reached = new Set<string>()
  const queue = entries.filter(entry => byPath.has(entry))
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const { specifier } of byPath.get(path)?.imports ?? []) if (specifier.startsWith('.')) queue.push(resolveRelative(path, specifier))
  }
  return files
    .filter(({ path }) => !reached.has(path))
    .map(({ path }) => ({ path, line: 1, message: 'nothing imports this file: use it or delete it' }))
}

/** Packages of package.json that no file imports, and packages that a file imports but package.json does not have. */
export function packagesUsed(
  files: readonly SourceFile[],
  declared: { readonly dependencies: readonly string[]; readonly unimported: readonly string[] }
): readonly Finding[] {
  const imported = new Map<string, Finding>()
  for (const file of files) {
    for (const { specifier, start } of file.imports) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      imported.set(name, finding(file, start, `${name} is not among the dependencies in package.json: npm exec -c 'npm install ${name}'`))
    }
  }
  const missing = [...imported].filter(([name]) => !declared.dependencies.includes(name)).map(([, found]) => found)
  const unused = declared.dependencies
    .filter(name => !imported.has(name) && !declared.unimported.includes(name))
    .map(name => ({ path: 'package.json', line: 1, message: `no file imports ${name}: npm exec -c 'npm uninstall ${name}'` }))
  return [...missing, ...unused]
}

function importsOneWay(file: SourceFile): readonly Finding[] {
  if (!file.path.startsWith('src/')) return []
  const room = roomOf(file.path)
  if (room === undefined)
    return [finding(file, 0, 'this file is in no room: move it to one, or add the room to test/tidy/rooms.ts and the README')]
  return file.imports.flatMap(({ specifier, start }) => {
    if (!specifier.startsWith('.')) {
      if (allowsPackage(room.packages, specifier)) return []
      return [
        finding(
          file,
          start,
          `${room.path} may not import ${specifier}: go through a port, or move the code to the room that owns the package`
        )
      ]
    }
    const target = resolveRelative(file.path, specifier)
    if (roomOf(target) === room || room.rooms.some(allowed => within(target, allowed))) return []
    return [finding(file, start, `${room.path} may not import ${target}: pass it in as an argument, or move what both need to src/model`)]
  })
}

function restrictedUses(file: SourceFile): readonly Finding[] {
  if (!file.path.startsWith('src/')) return []
  const restrictions = RESTRICTIONS.filter(({ allowedIn }) => !allowedIn.some(place => within(file.path, place)))
  return usesOf(file).flatMap(({ use, start }) =>
    restrictions.filter(({ uses }) => uses.includes(use)).map(({ instead }) => finding(file, start, `${use} is not for here: ${instead}`))
  )
}

/** Everything a file uses that a restriction could name. */
function usesOf(file: SourceFile): readonly { use: string; start: number }[] {
  const found = file.imports.map(({ specifier, start }) => ({ use: specifier, start }))
  const add = (use: string, { start }: Node): void => void found.push({ use, start })
  walk(file.program, node => {
    const callee = nameOf(node['callee'])
    if (node.type === 'MemberExpression') add(`${nameOf(node['object'])}.${nameOf(node['property'])}`, node)
    if (node.type === 'CallExpression' && callee !== undefined) add(`${callee}()`, node)
    if (node.type === 'NewExpression' && (node['arguments'] as readonly unknown[]).length === 0) add(`new ${callee}()`, node)
    // `const { env } = process` is the same use in other words.
    const pattern = node['id']
    if (node.type === 'VariableDeclarator' && isNode(pattern) && pattern.type === 'ObjectPattern') {
      for (const property of pattern['properties'] as readonly Node[]) add(`${nameOf(node['init'])}.${nameOf(property['key'])}`, node)
    }
  })
  return found
}

function purity(file: SourceFile): readonly Finding[] {
  if (roomOf(file.path)?.pure !== true) return []
  const found: Finding[] = []
  const waits = 'a pure room does not wait: return an effect, and let daemon/ carry it out'
  walk(file.program, node => {
    if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node['await'] === true))
      found.push(finding(file, node.start, `await: ${waits}`))
    else if (node['async'] === true) found.push(finding(file, node.start, `async: ${waits}`))
    const object = node.type === 'MemberExpression' ? nameOf(node['object']) : nameOf(node['callee'])
    if (object !== undefined && IMPURE_GLOBALS.includes(object)) {
      found.push(finding(file, node.start, `${object}: a pure room knows only its arguments; take the value as one`))
    }
  })
  return found
}

/** Files that are programs: running is what importing them is for. */
const PROGRAMS = ['src/main.ts', 'src/cares.js', 'src/faces/web/']

function inertModules(file: SourceFile): readonly Finding[] {
  if (!file.path.startsWith('src/') || PROGRAMS.some(program => within(file.path, program))) return []
  return (file.program['body'] as readonly Node[]).flatMap(statement => {
    if (statement.type === 'ExpressionStatement')
      return [finding(file, statement.start, 'work at import: put it into a function that peer.ts calls')]
    const declaration = isNode(statement['declaration']) ? statement['declaration'] : statement
    if (declaration.type !== 'VariableDeclaration') return []
    const state = 'module-level state: keep it in what a factory returns'
    if (declaration['kind'] !== 'const') return [finding(file, statement.start, state)]
    const isEmptyCollection = (value: unknown): boolean =>
      isNode(value) &&
      value.type === 'NewExpression' &&
      /^(Weak)?(Map|Set)$|^AbortController$/.test(nameOf(value['callee']) ?? '') &&
      (value['arguments'] as readonly unknown[]).length === 0
    const declarators = declaration['declarations'] as readonly Node[]
    return declarators.some(({ init }) => isEmptyCollection(init)) ? [finding(file, statement.start, state)] : []
  })
}

/**
 * Exempt is what says no more than its name does once its neighbour in the file is documented: `type State = (typeof STATES)[number]`, of which `STATES`
 * says what it is, and `XComponents`, `XInit` and `XProps`, which are what X (or `createX`) is made of. Their members are still documented where they need it.
 */
function exportsDocumented(file: SourceFile): readonly Finding[] {
  if (!file.path.startsWith('src/')) return []
  const statements = file.program['body'] as readonly Node[]
  const isValue = (statement: Node): boolean => declarationOf(statement)?.type.startsWith('TS') === false
  const explained = new Set(statements.filter(statement => isValue(statement) && hasDocstring(file, statement)).flatMap(namesOf))
  const seen = new Set<string>()
  return statements.flatMap(statement => {
    const declaration = declarationOf(statement)
    if (!statement.type.startsWith('Export') || declaration === undefined || describesItself(declaration)) return []
    const name = namesOf(statement).join(', ')
    // The first overload speaks for all of them.
    if (seen.has(name)) return []
    seen.add(name)
    if (hasDocstring(file, statement) || neighboursOf(declaration).some(neighbour => explained.has(neighbour))) return []
    return [finding(file, statement.start, `${name} has no docstring: say what it is, its units, ranges and what it throws`)]
  })
}

/** Whether the last thing before a statement, but for white space, is a docstring. */
function hasDocstring(file: SourceFile, statement: Node): boolean {
  return file.comments.some(
    ({ type, value, end }) =>
      type === 'Block' && value.startsWith('*') && end <= statement.start && file.text.slice(end, statement.start).trim() === ''
  )
}

/** What a statement declares, exported or not; undefined for `export { a } from` and for statements that declare nothing. */
function declarationOf(statement: Node): Node | undefined {
  if (statement.type.startsWith('Export')) return isNode(statement['declaration']) ? statement['declaration'] : undefined
  return statement.type.endsWith('Declaration') ? statement : undefined
}

function namesOf(statement: Node): readonly string[] {
  const declaration = declarationOf(statement)
  if (declaration === undefined) return []
  return ((declaration['declarations'] ?? [declaration]) as readonly Node[]).map(({ id }) => nameOf(id) ?? 'default')
}

/** The names of which one, where it is documented in the same file, explains a declaration, too. */
function neighboursOf(declaration: Node): readonly string[] {
  const name = nameOf(declaration['id']) ?? ''
  const owner = /^(?<owner>\w+)(Components|Init|Props)$/.exec(name)?.groups?.['owner']
  if (declaration.type === 'TSInterfaceDeclaration' && owner !== undefined)
    return [owner, `${owner.charAt(0).toLowerCase()}${owner.slice(1)}`, `create${owner}`]
  const type = declaration['typeAnnotation']
  if (declaration.type !== 'TSTypeAliasDeclaration' || !isNode(type) || type.type !== 'TSIndexedAccessType') return []
  const { objectType, indexType } = type
  const list = isNode(objectType) && objectType.type === 'TSParenthesizedType' ? objectType['typeAnnotation'] : objectType
  if (!isNode(list) || list.type !== 'TSTypeQuery' || !isNode(indexType) || indexType.type !== 'TSNumberKeyword') return []
  return [nameOf(list['exprName']) ?? '']
}

/** `export const peers = defineCommand({ description: … })`: said once, where users see it. */
function describesItself(declaration: Node): boolean {
  const [first] = (declaration['declarations'] ?? []) as readonly Node[]
  const value = first?.['init']
  return isNode(value) && value.type === 'CallExpression' && nameOf(value['callee']) === 'defineCommand'
}

function noSwallowing(file: SourceFile): readonly Finding[] {
  if (!/^(src|scripts)\//.test(file.path)) return []
  const found: Finding[] = []
  // A reason counts inside the block, behind it, or on the line above it.
  const isExplained = (block: Node): boolean =>
    file.comments.some(
      ({ start, end }) => lineOf(file, start) <= lineOf(file, block.end) && lineOf(file, end) >= lineOf(file, block.start) - 1
    )
  const isSilent = (block: unknown): boolean =>
    isNode(block) && block.type === 'BlockStatement' && (block['body'] as readonly unknown[]).length === 0 && !isExplained(block)
  const message = 'an error is swallowed: handle it, log it, or say in a comment why it does not matter'
  walk(file.program, node => {
    if (node.type === 'CatchClause' && isSilent(node['body'])) found.push(finding(file, node.start, message))
    const callee = node['callee']
    if (node.type !== 'CallExpression' || !isNode(callee) || nameOf(callee['property']) !== 'catch') return
    const [handler] = node['arguments'] as readonly Node[]
    if (handler !== undefined && isSilent(handler['body'])) found.push(finding(file, node.start, message))
  })
  return found
}

/** Words that say that something is not done; upper case, as such marks are written. */
const UNFINISHED = new RegExp(`\\b(${['todo', 'fixme', 'xxx'].join('|').toUpperCase()})\\b`)

function nothingUnfinished(file: SourceFile): readonly Finding[] {
  const marks = file.comments.filter(({ value }) => UNFINISHED.test(value))
  const found = marks.map(({ start }) => finding(file, start, 'an unfinished mark: do it now, or file an issue and delete the mark'))
  walk(file.program, node => {
    const property = node.type === 'MemberExpression' ? nameOf(node['property']) : undefined
    const isSuite = ['it', 'describe', 'context'].includes(nameOf(node['object']) ?? '')
    if (isSuite && property === 'only') found.push(finding(file, node.start, '.only hides the other tests: remove it'))
  })
  return found
}

function fileNames(file: SourceFile): readonly Finding[] {
  const name = file.path.split('/').at(-1) ?? ''
  const found: Finding[] = []
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(spec|build|config|d))?\.(ts|tsx|js|mjs)$/.test(name))
    found.push(finding(file, 0, 'name files in kebab-case, one noun each'))
  if (name.startsWith('index.')) found.push(finding(file, 0, 'a barrel: import each name from the file that defines it'))
  walk(file.program, node => {
    if (node.type === 'ExportAllDeclaration')
      found.push(finding(file, node.start, 'export * hides where a name comes from: import it from its own file'))
  })
  return found
}

function fileLengths(file: SourceFile): readonly Finding[] {
  if (!file.path.startsWith('src/')) return []
  const lines = file.text.split('\n').length - 1
  if (lines <= LINES_MAX) return []
  return [finding(file, 0, `${lines} lines, at most ${LINES_MAX}: find the second idea in it and give it a file of its own`)]
}

function commentWidths(file: SourceFile): readonly Finding[] {
  const lines = file.text.split('\n')
  // Two comments may share a line.
  const wide = new Set<number>()
  for (const { start, end } of file.comments) {
    const last = lineOf(file, end)
    for (let line = lineOf(file, start); line <= last; line++) {
      if ((lines[line - 1] ?? '').length > COMMENT_WIDTH_MAX) wide.add(line)
    }
  }
  const message = `a comment wider than ${COMMENT_WIDTH_MAX} characters: break the line, as the formatter does not break comments`
  return [...wide].map(line => ({ path: file.path, line, message }))
}

/** What can fail a test by itself: assertions, suites of them, and waits for what must come. */
const ASSERTS = /^(assert|expect|fc|eventually|until|shows|waitFor|rejectsWith)$|^(assert|check)[A-Z]|(Compliance|Suite)$/

function specsAssert(file: SourceFile): readonly Finding[] {
  if (!file.path.endsWith('.spec.ts')) return []
  const found: Finding[] = []
  const tests: Node[] = []
  const helpers = new Map<string, Node>()
  walk(file.program, node => {
    if (node.type === 'CallExpression' && nameOf(node['callee']) === 'it') tests.push(node)
    const { id, init } = node
    if (node.type === 'FunctionDeclaration') helpers.set(nameOf(id) ?? '', node)
    if (isNode(init) && /Function/.test(init.type)) helpers.set(nameOf(id) ?? '', init)
    const property = node.type === 'MemberExpression' ? nameOf(node['property']) : undefined
    const object = node.type === 'MemberExpression' ? nameOf(node['object']) : undefined
    if (property === 'skip' && object !== undefined && ['it', 'describe', 'context'].includes(object)) {
      found.push(finding(file, node.start, 'a test that never runs: delete it, or skip at run time with a reason in the output'))
    }
    if (property === 'skip' && isNode(node['object']) && node['object'].type === 'ThisExpression') {
      found.push(finding(file, node.start, 'a test that is skipped without a word: call skip() of test/support, which prints the reason'))
    }
  })
  // A spec that only calls a suite has no test of its own.
  const silent = (tests.length === 0 ? [file.program] : tests).filter(test => !asserts(test, helpers, new Set()))
  return [...found, ...silent.map(({ start }) => finding(file, start, 'this asserts nothing: a test that cannot fail is a defect'))]
}

/** Whether something is asserted in it, or in a helper of its file that it uses. */
function asserts(node: Node, helpers: ReadonlyMap<string, Node>, seen: Set<string>): boolean {
  let does = false
  walk(node, ({ type, name }) => {
    if (does || type !== 'Identifier' || typeof name !== 'string') return
    const helper = seen.has(name) ? undefined : helpers.get(name)
    seen.add(name)
    does = ASSERTS.test(name) || (helper !== undefined && asserts(helper, helpers, seen))
  })
  return does
}

function finding(file: SourceFile, start: number, message: string): Finding {
  return { path: file.path, line: lineOf(file, start), message }
}
