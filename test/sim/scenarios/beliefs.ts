// Who believed what of whom, and for how long: read from the events of machines after a scenario is over.
import type { World } from '../world.js'

/** A time in which one machine did not believe another one alive. */
export interface Hiding {
  readonly observer: string
  readonly subject: string
  readonly from: number
  /** The end of the world's time where it never ended. */
  readonly to: number
  /** Whether it was called dead meanwhile. */
  readonly dead: boolean
}

export interface HidingsOf {
  readonly subjects: readonly string[]
  readonly observers: readonly string[]
  readonly since: number
}

/** Every hiding that began after a moment. An observer's end, or start, ends what it believed. */
export function hidings(world: World, { subjects, observers, since }: HidingsOf): Hiding[] {
  const wanted = new Set(subjects)
  const found: Hiding[] = []
  for (const observer of observers) {
    const open = new Map<string, { from: number; dead: boolean }>()
    const close = (subject: string, to: number): void => {
      const hiding = open.get(subject)
      if (hiding !== undefined) found.push({ observer, subject, to, ...hiding })
      open.delete(subject)
    }
    for (const { at, event } of world.machine(observer).events) {
      if (event.type === 'ready') for (const subject of [...open.keys()]) close(subject, at)
      if (at < since || event.type !== 'member' || !wanted.has(event.peer)) continue
      if (event.to === 'alive') close(event.peer, at)
      else if (event.to === 'hidden' || event.to === 'dead') {
        const hiding = open.get(event.peer) ?? { from: at, dead: false }
        open.set(event.peer, { from: hiding.from, dead: hiding.dead || event.to === 'dead' })
      }
    }
    for (const subject of [...open.keys()]) close(subject, world.now)
  }
  return found
}

/**
 * How long after their death each observer hid each of these subjects for good; 0 where it was hidden already, `Infinity`
 * where it never was.
 */
export function hidingTimes(
  world: World,
  subjects: readonly string[],
  observers: readonly string[],
  death: number,
): number[] {
  return observers.flatMap((observer) => {
    const hiddenAt = new Map(subjects.map((subject) => [subject, Number.POSITIVE_INFINITY]))
    for (const { at, event } of world.machine(observer).events) {
      if (event.type !== 'member') continue
      const known = hiddenAt.get(event.peer)
      if (known !== undefined)
        hiddenAt.set(event.peer, event.to === 'alive' ? Number.POSITIVE_INFINITY : Math.min(known, at))
    }
    return [...hiddenAt.values()].map((at) => Math.max(0, at - death))
  })
}

/** The most hidings of one subject by one observer. */
export function mostFlips(found: readonly Hiding[]): number {
  const counts = new Map<string, number>()
  for (const { observer, subject } of found) {
    const pair = `${observer}>${subject}`
    counts.set(pair, (counts.get(pair) ?? 0) + 1)
  }
  return largest(counts.values())
}

export function longest_ms(found: readonly Hiding[]): number {
  return largest(found.map(({ from, to }) => to - from))
}

/** Of any number of values, more than a call takes arguments; 0 for none. */
function largest(values: Iterable<number>): number {
  let most = 0
  for (const value of values) most = Math.max(most, value)
  return most
}

export function deaths(found: readonly Hiding[]): number {
  return found.filter(({ dead }) => dead).length
}
