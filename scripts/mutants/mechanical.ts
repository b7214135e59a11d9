/**
 * Mutants made by rule: a seed chooses among all places of the core, and the compiler throws out what it would not let pass.
 * A place is drawn by what stands in it, not by where: an edit elsewhere moves no draw, so that the survivors of one run
 * can be looked at, and the same draw tried again.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import ts from 'typescript'
import { type PlacedSite, coreOf, placesOf, short } from './core.js'
import type { Mutant } from './mutant.js'
import type { Kind } from './sites.js'

const kinds: readonly Kind[] = ['operator', 'condition', 'statement', 'constant']

export interface Choice {
  readonly root: string
  readonly seed: number
  readonly count: number
}

/** So many mutants, of each kind equally many. */
export function mechanical({ root, seed, count }: Choice): Mutant[] {
  const core = coreOf(root)
  const compiler = new Compiler(root, core)
  const places = drawn(placesOf(core), seed)
  const byKind = new Map(kinds.map((kind) => [kind, places.filter((place) => place.kind === kind)]))
  const chosen: Mutant[] = []
  for (let i = 0; chosen.length < count && i < places.length; i++) {
    const place = byKind.get(kinds[i % kinds.length] as Kind)?.shift()
    if (place === undefined) continue
    const mutant = mutantAt(place, core.get(place.file) as string)
    if (compiler.accepts(mutant)) chosen.push(mutant)
  }
  return chosen
}

function mutantAt(place: PlacedSite, text: string): Mutant {
  const { file, start, end, shown, after } = place
  const line = text.slice(0, start).split('\n').length
  const name = `${file}:${line} ${short(shown)} → ${after === '' ? 'nothing' : short(after)}`
  return { name, file, text: text.slice(0, start) + after + text.slice(end), place }
}

/** In an order that follows from the seed and from each place alone; the first of like ones comes before the second. */
function drawn(places: readonly PlacedSite[], seed: number): PlacedSite[] {
  const seen = new Map<string, number>()
  const lots = places.map((place) => {
    const name = JSON.stringify([place.file, place.change, place.in])
    const earlier = seen.get(name) ?? 0
    seen.set(name, earlier + 1)
    const lot = createHash('sha256')
      .update(JSON.stringify([seed, name, earlier]))
      .digest('hex')
    return { place, lot }
  })
  return lots.sort((a, b) => (a.lot < b.lot ? -1 : 1)).map(({ place }) => place)
}

/** The core as the compiler sees it, with one file changed at a time. */
class Compiler {
  readonly #root: string
  readonly #texts = new Map<string, { version: number; text: string }>()
  readonly #service: ts.LanguageService

  constructor(root: string, core: ReadonlyMap<string, string>) {
    this.#root = root
    for (const [file, text] of core) this.#texts.set(join(root, file), { version: 1, text })
    this.#service = ts.createLanguageService(this.#host())
  }

  #host(): ts.LanguageServiceHost {
    const { config } = ts.readConfigFile(join(this.#root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: unknown
    }
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, this.#root)
    return {
      getScriptFileNames: () => [...this.#texts.keys()],
      getScriptVersion: (path) => String(this.#texts.get(path)?.version ?? 0),
      getScriptSnapshot: (path) => {
        const text = this.#texts.get(path)?.text ?? ts.sys.readFile(path)
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
      },
      getCurrentDirectory: () => this.#root,
      getCompilationSettings: () => ({ ...options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false }),
      getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
      fileExists: (path) => ts.sys.fileExists(path),
      readFile: (path) => ts.sys.readFile(path),
      readDirectory: (...args) => ts.sys.readDirectory(...args),
      directoryExists: (path) => ts.sys.directoryExists(path),
      getDirectories: (path) => ts.sys.getDirectories(path),
    }
  }

  /** Whether the changed file still has the types that it must have. */
  accepts({ file, text }: Mutant): boolean {
    const path = join(this.#root, file)
    const original = this.#texts.get(path) as { version: number; text: string }
    this.#texts.set(path, { version: original.version + 1, text })
    const problems =
      this.#service.getSyntacticDiagnostics(path).length + this.#service.getSemanticDiagnostics(path).length
    this.#texts.set(path, { version: original.version + 2, text: original.text })
    return problems === 0
  }
}
