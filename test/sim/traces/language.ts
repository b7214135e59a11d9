// The commands of a trace file: each is a sentence with places for names, times and urls, and what it does to the world.
import type { CheckResult } from '../../../src/core/effects.js'
import type { Disk } from '../disk.js'
import { agree } from '../stories/cluster.js'
import type { World } from '../world.js'
import type { Telling } from './telling.js'

/** What commands act on. */
export interface Stage {
  readonly world: World
  readonly telling: Telling
  readonly backups: Map<string, Disk>
}

type Run = (stage: Stage, ...words: string[]) => void

/** What stands in a place: of a sentence `NAME` is one machine or thing, `NAMES` are several (`a, b`), `GROUPS` several of those. */
const places: Readonly<Record<string, string>> = {
  NAMES: '([a-z][\\w-]*(?:, [a-z][\\w-]*)*)',
  NAME: '([a-z][\\w-]*)',
  GROUPS: '([a-z][\\w-]*(?:(?:, | \\| )[a-z][\\w-]*)*)',
  TIME: '(\\d+ ?(?:ms|s|min|h))',
  URL: '(\\S+://\\S+)',
  STATUS: '(Healthy|Degraded|Unreachable|Error)',
  BOOT: '([0-9a-f]{16})',
}

const sentences: Readonly<Record<string, Run>> = {
  // ---- machines
  'NAMES run': ({ world }, names = '') => void world.startAll(...listed(names)),
  'TIME pass': ({ world }, time = '') => world.run(duration_ms(time)),
  'start NAMES': ({ world }, names = '') => void world.startAll(...listed(names)),
  'start NAME with boot id BOOT': ({ world }, name = '', boot = '') => void world.start(name, { boot }),
  'kill NAMES': ({ world }, names = '') => listed(names).forEach((name) => world.crash(name)),
  'NAMES vanish': ({ world }, names = '') => listed(names).forEach((name) => world.vanish(name)),
  'NAMES vanishes': ({ world }, names = '') => listed(names).forEach((name) => world.vanish(name)),
  'pause NAME for TIME': ({ world }, name = '', time = '') => world.pause(name, duration_ms(time)),
  'NAME says goodbye': ({ world }, name = '') => void world.command(name, { type: 'leave' }),
  'NAME says goodbye for a restart': ({ world }, name = '') =>
    void world.command(name, { type: 'leave', restart: true }),

  // ---- disks
  'back up NAME': ({ world, backups }, name = '') => void backups.set(name, world.machine(name).disk.copy()),
  'restore NAME from its backup': ({ world, backups }, name = '') => {
    const backup = backups.get(name)
    if (backup === undefined) throw new Error(`there is no backup of ${name}`)
    down(world, name).disk = backup.copy()
  },
  'clone NAME as NAME': ({ world }, name = '', copy = '') => void world.clone(name, copy),
  'NAMES have counted TIME of silence of NAME': ({ world }, names = '', time = '', silent = '') => {
    const value = JSON.stringify({ [silent]: duration_ms(time) })
    for (const name of listed(names)) down(world, name).disk.write([{ type: 'note', name: 'silence', value }], true)
  },

  // ---- callers and services
  'NAME registers NAME at URL': ({ world }, name = '', id = '', url = '') =>
    void world.register(name, { id, slug: id, url }),
  'NAME deregisters NAME': ({ world }, name = '', id = '') => void world.deregister(name, id),
  'NAME defines NAME': ({ world }, name = '', id = '') => void world.define(name, id),
  'NAME forgets NAME': ({ world }, name = '', owner = '') => void world.command(name, { type: 'remove-node', owner }),
  'NAMES look up NAME': lookUp,
  'NAMES looks up NAME': lookUp,
  'URL is STATUS': ({ world }, url = '', status = '') => world.service(url, status as CheckResult['status']),

  // ---- links
  'cut GROUPS': ({ world }, groups = '') => world.partition(...groups.split(' | ').map(listed)),
  heal: ({ world }) => world.heal(),
  'lose the next gossip to NAME': ({ world, telling }, to = '') => {
    let lost: Uint8Array | undefined
    world.wires.tap = (sent) => {
      if (sent.kind !== 'gossip' || sent.to !== to || sent.bytes !== (lost ??= sent.bytes)) return true
      telling.lost(world.now, sent)
      return false
    }
  },

  // ---- time, and what is shown
  'run TIME': ({ world }, time = '') => world.run(duration_ms(time)),
  'leave out members': ({ telling }) => void telling.leftOut.add('members'),
  'leave out connections': ({ telling }) => void telling.leftOut.add('connections'),
  'show heartbeats of NAME to NAME': ({ telling }, from = '', to = '') => telling.showHeartbeats(from, to, true),
  'hide heartbeats of NAME to NAME': ({ telling }, from = '', to = '') => telling.showHeartbeats(from, to, false),
}

const forms = Object.entries(sentences).map(([sentence, run]) => {
  const pattern = sentence.replace(/[A-Z]{3,}/g, (word) => places[word] ?? word)
  return { pattern: new RegExp(`^${pattern}$`), run }
})

/** What is so before a story begins is done without a word, until all agree and are at rest. */
const given = 'given that '

export function isGiven(command: string): boolean {
  return command.startsWith(given)
}

/** @throws where no sentence reads like this, or what it asks for cannot be done */
export function perform(stage: Stage, command: string): void {
  const { world, telling } = stage
  if (!isGiven(command)) return act(stage, command)
  telling.isQuiet = true
  act(stage, command.slice(given.length))
  agree(world)
  world.run(rest_ms)
  telling.isQuiet = false
}

/** By then what has changed counts in registry digests. */
const rest_ms = 3000

function act(stage: Stage, sentence: string): void {
  for (const { pattern, run } of forms) {
    const match = pattern.exec(sentence)
    if (match !== null) return run(stage, ...match.slice(1))
  }
  throw new Error(`unknown command "${sentence}"; known are:\n  ${Object.keys(sentences).join('\n  ')}`)
}

function listed(names: string): string[] {
  return names.split(', ')
}

function down(world: World, name: string): ReturnType<World['machine']> {
  const machine = world.machine(name)
  if (machine.registry !== undefined) throw new Error(`${name} runs: its disk cannot be changed`)
  return machine
}

const units_ms: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3600_000 }

function duration_ms(time: string): number {
  const [, count = '', unit = ''] = /^(\d+) ?(\w+)$/.exec(time) ?? []
  return Number(count) * (units_ms[unit] ?? Number.NaN)
}

/** What callers see; where the daemon is in doubt, what it returns all the same. */
function lookUp({ world, telling }: Stage, names = '', slug = ''): void {
  for (const name of listed(names)) {
    const urls = world.lookup(name, slug)
    const isDegraded = urls !== undefined && world.machine(name).live.read.lookup(slug, world.moment(name)).degraded
    const found =
      urls === undefined ? `${slug} is not known` : urls.length === 0 ? `nothing visible of ${slug}` : urls.join(', ')
    telling.add({ at: world.now, who: name, text: `tells the caller: ${found}${isDegraded ? ' (degraded)' : ''}` })
  }
}
