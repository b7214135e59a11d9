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

/** How long after its death each observer hid a subject for good; 0 where it was hidden already, `Infinity` where it never was. */
export function hidingTimes(world: World, subject: string, observers: readonly string[], death: number): number[] {
  return observers.map((observer) => {
    let hiddenAt = Number.POSITIVE_INFINITY
    for (const { at, event } of world.machine(observer).events) {
      if (event.type === 'member' && event.peer === subject)
        hiddenAt = event.to === 'alive' ? Number.POSITIVE_INFINITY : Math.min(hiddenAt, at)
    }
    return Math.max(0, hiddenAt - death)
  })
}

/** The most hidings of one subject by one observer. */
export function mostFlips(found: readonly Hiding[]): number {
  const counts = new Map<string, number>()
  for (const { observer, subject } of found) {
    const pair = `${observer}>${subject}`
    counts.set(pair, (counts.get(pair) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

export function longest_ms(found: readonly Hiding[]): number {
  return Math.max(0, ...found.map(({ from, to }) => to - from))
}

export function deaths(found: readonly Hiding[]): number {
  return found.filter(({ dead }) => dead).length
}
