// What the stories share: a cluster that stands, acknowledged commands, and rest.
import { expect } from 'vitest'
import { encodeGossip } from '../../../src/core/wire/gossip.js'
import type { Answer } from '../engine.js'
import type { Machine } from '../machine.js'
import { World, type WorldOptions } from '../world.js'

/** A world in which these machines run and agree. */
export function cluster(names: string, options: Partial<WorldOptions> = {}): World {
  const world = new World({ seed: 1, ...options })
  world.startAll(...names)
  agree(world)
  return world
}

/** A world of many machines, m00, m01, …, that agree and have settled: links that joining made are given up again. */
export function clusterOf(count: number, options: Partial<WorldOptions> = {}): World {
  const world = new World({ seed: 1, ...options })
  world.startAll(...Array.from({ length: count }, (_, i) => `m${String(i).padStart(2, '0')}`))
  agree(world)
  world.run(30_000)
  return world
}

/** The observers of a machine, as `by` sees it. */
export function observersOf(world: World, name: string, by = name): string[] {
  return [...world.machine(by).live.read.observers(name)]
}

/** What anyone believed of `peer` since a moment. */
export function transitionsOf(world: World, peer: string, since: number, by?: readonly string[]): string[] {
  return [...world.machines.values()]
    .filter(({ name }) => by === undefined || by.includes(name))
    .flatMap(({ name, events }) =>
      events.flatMap(({ at, event }) =>
        event.type === 'member' && event.peer === peer && at >= since ? [`${name}: ${event.from}→${event.to}`] : [],
      ),
    )
}

/** Runs until all running daemons are ready, see each other and hold the same. */
export function agree(world: World, limit_ms = 60_000): number {
  const isQuiet = (): boolean => {
    const running = world.running()
    const isSettled = running.every(({ live }) => live.readiness().ready && live.read.alive === running.length)
    return isSettled && world.digests().size === 1
  }
  const took_ms = world.until(isQuiet, limit_ms, 'agreement')
  world.run(100) // what is on its way arrives
  return took_ms + (isQuiet() ? 0 : agree(world, limit_ms))
}

/** Kills a machine and starts it from a backup, out of reach of these others, until it serves alone. */
export function restoredAlone(world: World, name: string, backup: Machine['disk'], others: string[]): void {
  world.crash(name)
  world.machine(name).disk = backup
  startedApart(world, name, others)
}

/** Kills a machine that loses all but its key, and starts it out of reach of these others, until it serves alone. */
export function lostAlone(world: World, name: string, others: string[]): void {
  world.crash(name)
  world.machine(name).disk.loseStore()
  startedApart(world, name, others)
}

function startedApart(world: World, name: string, others: string[]): void {
  world.partition([name], others)
  world.start(name)
  world.until(() => world.machine(name).live.readiness().ready, 5000, 'readiness alone')
}

/** Of three the last one is off for longer than the horizon: it has missed that its instance `x` was removed. */
export function offTooLong(): World {
  const world = cluster('abc')
  registered(world, 'c', 'x')
  agree(world)
  world.run(11 * 60_000) // notes on disk are at most ten minutes old
  world.crash('c')
  world.run(10_000)
  done(world, world.deregister('a', 'x'))
  world.run(1000)
  world.passDays(36)
  return world
}

/** Runs until the command is answered, and demands a yes. @returns its value */
export function done(world: World, answer: Answer, limit_ms = 5000): string | undefined {
  world.until(() => answer.result !== undefined, limit_ms, 'the answer')
  expect(answer.result?.error?.message).toBeUndefined()
  return answer.result?.value
}

/** Runs until the command is answered, and demands a no. @returns its code */
export function refused(world: World, answer: Answer, limit_ms = 5000): string | undefined {
  world.until(() => answer.result !== undefined, limit_ms, 'the answer')
  return answer.result?.error?.code
}

/** The url of an instance whose slug is `slug`. */
export function urlOf(slug: string, port = 80): string {
  return `http://${slug}.test:${port}`
}

/** Registers `id` as slug `id` at a machine, durably. */
export function registered(world: World, name: string, id: string, port = 80): void {
  done(world, world.register(name, { id, slug: id, url: urlOf(id, port) }))
}

/** The rows of an id, as one machine holds them: `owner#n why`. */
export function rows(world: World, name: string, id: string): string[] {
  return world
    .machine(name)
    .live.read.rows(world.moment(name))
    .filter((row) => row.id === id)
    .map(({ owner, n, why }) => `${owner}#${n}${why === undefined ? '' : ` ${why}`}`)
}

/** The names of the running machines that show the slug's instance. */
export function showing(world: World, slug: string): string {
  return world
    .running()
    .filter(({ name }) => (world.lookup(name, slug) ?? []).length > 0)
    .map(({ name }) => name)
    .join('')
}

/** How the first instance of a slug is, as one machine shows it. */
export function shownStatus(world: World, name: string, slug: string): string | undefined {
  return world.machine(name).live.read.lookup(slug, world.moment(name)).instances[0]?.status
}

/** The bytes of a report of one member, as its author sends them. */
export function reportOf(subject: string, generation: number, sequence = 1): Uint8Array {
  const about = [{ subject, generation, incarnation: 0 }]
  return encodeGossip({ type: 'report', authorGeneration: 1, sequence, about })
}
