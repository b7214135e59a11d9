// The core as mutants see it: its files, and every place in them where a machine can make a mistake.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import type { Place } from './mutant.js'
import { type Site, sitesOf } from './sites.js'

/** Nothing but types, or nothing but limits that no fast test can reach. */
const leftOut = /\/(effects|views|limits|errors)\.ts$/

export interface PlacedSite extends Place, Site {}

/** The texts of all files of the core by their paths, in the order of these. */
export function coreOf(root: string): Map<string, string> {
  const names = readdirSync(join(root, 'src/core'), { recursive: true, encoding: 'utf8' })
  const files = names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src/core', name))
    .sort()
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
}

/** All that mechanical mutants are drawn from. */
export function placesOf(core: ReadonlyMap<string, string>): PlacedSite[] {
  return [...core]
    .filter(([file]) => !leftOut.test(file))
    .flatMap(([file, text]) => {
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
      const lines = text.split('\n')
      return sitesOf(source).map((site) => {
        const { line } = source.getLineAndCharacterOfPosition(site.start)
        return { ...site, file, change: changeAt(site), in: (lines[line] as string).trim() }
      })
    })
}

function changeAt({ kind, shown, after }: Site): string {
  return kind === 'statement' ? 'statement → nothing' : `${short(shown)} → ${short(after)}`
}

/** Code short enough to stand in a line of a report. */
export function short(code: string): string {
  return code.replace(/\s+/g, ' ').slice(0, 60).trimEnd()
}
