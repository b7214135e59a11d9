/**
 * How a chosen bug finds its place: by what is written in a function, not by file or line. Code may move, be laid out anew and
 * be commented; whoever changes the words themselves is told, since a bug without a place would be one that nobody tries.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/**
 * A bug that somebody could write.
 *
 * - where: a function, method or constant of that name, or `Class.method`, in any file of the core
 * - find: a piece of code, compared token by token. `$$$` stands for all up to the bracket that closes; and a piece that
 *   begins with a dot takes with it whatever the dot stands behind, so that `.push($$$)` is any call of `push`
 * - put: the code in its place; without it the expression is left out
 */
export type Patch = readonly [where: string, find: string, put?: string]

/** A file of the core, as the parser sees it. */
interface Source {
  /** From the root of the repository. */
  readonly file: string
  readonly tree: ts.SourceFile
  readonly tokens: readonly Token[]
}

interface Token {
  readonly node: ts.Node
  readonly text: string
}

interface Place {
  readonly source: Source
  readonly start: number
  readonly end: number
  /** What it stands in, from the outside. */
  readonly names: readonly string[]
}

/** One file with a bug in it. */
export interface Mutant {
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  /** The whole file. */
  readonly text: string
}

const anything = '$$$'

/** Where a bug may be put: the core, and what answers out of it without a clock. */
const folders = ['src/core', 'src/dns']

export function readCore(root: string): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => parsed(join(folder, name), readFileSync(join(root, folder, name), 'utf8'))),
  )
}

function parsed(file: string, text: string): Source {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  return { file, tree, tokens: tokensOf(tree) }
}

/** @throws where the bug has no place in the core, or more than one */
export function applied(core: readonly Source[], name: string, [where, find, put = 'void 0']: Patch): Mutant {
  const all = core.flatMap((source) => placesIn(source, find))
  const places = all.filter(({ names }) => names.includes(where))
  const [place] = places
  if (place === undefined || places.length > 1) {
    const elsewhere = all.map(({ source, names }) => `${names.at(-1) ?? 'no function'} (${source.file})`).join(', ')
    throw new Error(
      `${name}: must have one place and has ${places.length}: in ${where}: ${find}; in the whole core it stands in: ${elsewhere || 'none'}`,
    )
  }
  const { file, tree } = place.source
  return { name, file, text: tree.text.slice(0, place.start) + put + tree.text.slice(place.end) }
}

function placesIn(source: Source, find: string): Place[] {
  const wanted = parsed('', find).tokens.map(({ text }) => text)
  const places: Place[] = []
  for (const [i, { node: first, text }] of source.tokens.entries()) {
    const last = text === wanted[0] ? source.tokens[lastOf(source.tokens, i, wanted)]?.node : undefined
    if (last === undefined) continue
    const whole = text === '.' ? wholeOf(first, last) : first
    places.push({ source, start: whole.getStart(), end: last.getEnd(), names: namesAround(first) })
  }
  return places
}

/** Where the run of tokens that begins here and is as wanted ends; -1 where there is none. */
function lastOf(tokens: readonly Token[], first: number, wanted: readonly string[]): number {
  let i = first
  for (const text of wanted) {
    if (text === anything) i = closing(tokens, i)
    else if (tokens[i++]?.text !== text) return -1
  }
  return i - 1
}

/** The bracket that ends what these tokens stand in. */
function closing(tokens: readonly Token[], first: number): number {
  let depth = 0
  for (let i = first; i < tokens.length; i++) {
    const text = tokens[i]?.text ?? ''
    if ('([{'.includes(text)) depth++
    else if (')]}'.includes(text) && depth-- === 0) return i
  }
  return tokens.length
}

/** The expression of which only the end was named. */
function wholeOf(first: ts.Node, last: ts.Node): ts.Node {
  let whole = last
  while (whole.getStart() >= first.getStart()) whole = whole.parent
  return whole
}

function namesAround(token: ts.Node): string[] {
  const names: string[] = []
  for (let node = token.parent; !ts.isSourceFile(node); node = node.parent) {
    const isLocal = ts.isVariableDeclaration(node) && !ts.isSourceFile(node.parent.parent.parent)
    if (isLocal || !(ts.isFunctionLike(node) || ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node)))
      continue
    const name = node.name?.getText()
    const owner = ts.isClassDeclaration(node.parent) ? node.parent.name?.text : undefined
    if (name !== undefined) names.unshift(name, ...(owner === undefined ? [] : [`${owner}.${name}`]))
  }
  return names
}

/** All that is code; where a list ends with a comma is for the layout to say. */
function tokensOf(node: ts.Node): Token[] {
  if (ts.isJSDoc(node) || node.getFullWidth() === 0) return []
  const children = node.getChildren()
  if (children.length === 0) return node.getWidth() === 0 ? [] : [{ node, text: node.getText() }]
  const tokens = children.flatMap(tokensOf)
  const isList = node.kind === ts.SyntaxKind.SyntaxList
  return isList && tokens.at(-1)?.text === ',' ? tokens.slice(0, -1) : tokens
}
