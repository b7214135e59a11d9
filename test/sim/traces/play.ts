// Plays a trace file: does what its commands say in a world of its own, and writes the file as it would be now.
import { isDeepStrictEqual } from 'node:util'
import { groupedBy } from '../../../src/core/basics/grouped.js'
import { World } from '../world.js'
import { isGiven, perform } from './language.js'
import { type CommandLine, parseScript, writeScript } from './script.js'
import { type Line, Telling } from './telling.js'

/** The same, said of several things or to several others. */
interface Row {
  readonly text: string
  readonly to: string[]
  readonly about: string[]
  times: number
}

/** What several machines do alike at one moment. */
interface Together {
  readonly at: number
  readonly names: string[]
  readonly rows: readonly Row[]
}

/** What followed on one group of commands. */
interface Act {
  readonly begun: number
  readonly lines: readonly Line[]
}

/** @returns the whole text, with the trace that follows now on each group of commands */
export function play(file: string, text: string): string {
  const telling: Telling = new Telling(() => world.machines)
  const world: World = new World({
    seed: 1,
    link: { delay_ms: 2 },
    watch: (machine, now, input, effects) => telling.watch(machine, now, input, effects),
  })
  const stage = { world, telling, backups: new Map() }
  const playGroup = (commands: readonly CommandLine[]): Act => {
    let begun = world.now
    for (const { text: command, line } of commands) {
      try {
        perform(stage, command)
      } catch (error) {
        throw new Error(`${file}:${line}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
      if (isGiven(command)) begun = world.now
    }
    return { begun, lines: telling.take() }
  }
  const parts = parseScript(file, text)
  const acts = parts.flatMap((part) => (part.type === 'commands' ? [playGroup(part.commands)] : []))
  // Only now: whether a question brought anything, and which generation is which, shows late.
  return writeScript(parts, written(acts, telling))
}

function written(acts: readonly Act[], telling: Telling): string[][] {
  const traces = acts.map(({ begun, lines }) => together(lines).flatMap((group) => columnsOf(group, begun)))
  const width = Math.max(0, ...traces.flat().map(([, who]) => who.length))
  return traces.map((lines) =>
    lines.map(([time, who, what]) => telling.words.counted(`${time.padStart(8)}  ${who.padEnd(width)}  ${what}`)),
  )
}

/** All that a machine does at one moment is told in one place; what several do alike, once. */
function together(lines: readonly Line[]): Together[] {
  const groups: Together[] = []
  const told = lines.filter(({ exchange }) => exchange?.brings !== false)
  for (const moment of groupedBy(told, ({ at }) => at).values()) {
    const before = groups.length
    for (const [name, own] of groupedBy(moment, ({ who }) => who)) {
      const rows = rowsOf(own)
      const alike = groups.slice(before).find((group) => isDeepStrictEqual(group.rows, rows))
      if (alike === undefined) groups.push({ at: own[0]?.at ?? 0, names: [name], rows })
      else alike.names.push(name)
    }
  }
  return groups
}

function rowsOf(lines: readonly Line[]): Row[] {
  const rows: Row[] = []
  for (const line of lines) {
    const to = line.to === undefined ? [] : [line.to]
    const about = line.about === undefined ? [] : [line.about]
    const row = rows.find(
      (one) => one.text === line.text && (isDeepStrictEqual(one.to, to) || isDeepStrictEqual(one.about, about)),
    )
    if (row === undefined) rows.push({ text: line.text, to, about, times: 1 })
    else if (!isDeepStrictEqual(row.to, to)) row.to.push(...to)
    else if (!isDeepStrictEqual(row.about, about)) row.about.push(...about)
    else row.times += 1
  }
  for (const { to, about } of rows) for (const names of [to, about]) names.sort()
  return rows
}

function columnsOf({ at, names, rows }: Together, begun: number): [time: string, who: string, what: string][] {
  const who = [...names].sort().join(', ')
  return rows.map(({ text, to, about, times }) => {
    const said = text.replace('%', about.join(', ')) + (times > 1 ? ` (${times} times)` : '')
    return to.length > 0
      ? [timeOf(at - begun), `${who} → ${to.join(', ')}`, said]
      : [timeOf(at - begun), who, names.length > 1 ? plural(said) : said]
  })
}

/** Milliseconds, or after a minute `5 min 02`. */
function timeOf(time_ms: number): string {
  if (time_ms < 60_000) return `${Math.round(time_ms)} ms`
  const seconds = Math.floor(time_ms / 1000)
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')}`
}

/** `shows web` of one, `show web` of several. */
function plural(text: string): string {
  const verb = text.replace(/^\w+/, (word) => (word === 'is' ? 'are' : word.replace(/s$/, '')))
  return verb.replace(/^(lose|give up) its /, '$1 their ')
}
