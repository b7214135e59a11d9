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
}

/** The core, read once: hundreds of bugs look for their places in it. */
export interface Core {
  readonly sources: readonly Source[]
  /** All that has a name which a bug may give. */
  readonly regionsByName: ReadonlyMap<string, readonly Region[]>
}

/** Where something of that name stands. */
interface Region {
  readonly source: Source
  readonly node: ts.Node
}

interface Token {
  readonly node: ts.Node
  readonly text: string
}

interface Place {
  readonly source: Source
  readonly start: number
  readonly end: number
  /** What it stands in. */
  readonly within: string
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

/** Where a bug may be put: the core, what answers out of it, and what bounds the bytes of peers and of callers. */
const folders = ['src/core', 'src/dns', 'src/io/network']
const files = ['src/http/bodies.ts', 'src/io/work.ts']

export function readCore(root: string): Core {
  const inFolders = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  )
  const sources = [...inFolders, ...files].map((file) => parsed(file, readFileSync(join(root, file), 'utf8')))
  const regionsByName = new Map<string, Region[]>()
  for (const source of sources) addRegions(regionsByName, source, source.tree)
  return { sources, regionsByName }
}

function parsed(file: string, text: string): Source {
  return { file, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) }
}

function addRegions(regionsByName: Map<string, Region[]>, source: Source, node: ts.Node): void {
  for (const name of namesOf(node)) {
    const regions = regionsByName.get(name) ?? []
    regionsByName.set(name, regions)
    regions.push({ source, node })
  }
  ts.forEachChild(node, (child) => addRegions(regionsByName, source, child))
}

/** @throws where the bug has no place in the core, or more than one */
export function applied(core: Core, name: string, [where, find, put = 'void 0']: Patch): Mutant {
  const places = placesIn(core.regionsByName.get(where) ?? [], find)
  const [place] = places
  if (place === undefined || places.length > 1) {
    const all = core.sources.map((source) => ({ source, node: source.tree }))
    const elsewhere = placesIn(all, find).map(({ source, within }) => `${within} (${source.file})`)
    throw new Error(
      `${name}: must have one place and has ${places.length}: in ${where}: ${find}; in the whole core it stands in: ${elsewhere.join(', ') || 'none'}`,
    )
  }
  const { file, tree } = place.source
  return { name, file, text: tree.text.slice(0, place.start) + put + tree.text.slice(place.end) }
}

/** @returns each once, though a region may stand in another one of its name */
function placesIn(regions: readonly Region[], find: string): Place[] {
  const wanted = tokensOf(parsed('', find).tree).map(({ text }) => text)
  const places = regions.flatMap((region) => placesInOne(region, wanted))
  return [...new Map(places.map((place) => [`${place.source.file} ${place.start}`, place])).values()]
}

function placesInOne({ source, node }: Region, wanted: readonly string[]): Place[] {
  const tokens = tokensOf(node)
  const places: Place[] = []
  for (const [i, { node: first, text }] of tokens.entries()) {
    const last = text === wanted[0] ? tokens[lastOf(tokens, i, wanted)]?.node : undefined
    if (last === undefined) continue
    const whole = text === '.' ? wholeOf(first, last) : first
    places.push({ source, start: whole.getStart(), end: last.getEnd(), within: nameAround(first) })
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

function nameAround(token: ts.Node): string {
  for (let { parent: node } = token; !ts.isSourceFile(node); node = node.parent) {
    const name = namesOf(node).at(-1)
    if (name !== undefined) return name
  }
  return 'no function'
}

/** What a bug may call it: a function, a method, a constant that is no local one. */
function namesOf(node: ts.Node): string[] {
  const isLocal = ts.isVariableDeclaration(node) && !ts.isSourceFile(node.parent.parent.parent)
  if (isLocal || !(ts.isFunctionLike(node) || ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node)))
    return []
  const name = node.name?.getText()
  if (name === undefined) return []
  const owner = ts.isClassDeclaration(node.parent) ? node.parent.name?.text : undefined
  return owner === undefined ? [name] : [name, `${owner}.${name}`]
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
