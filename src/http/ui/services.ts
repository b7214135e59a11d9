/**
 * Which instances of each service can be picked, worst service first. Pure.
 */
import type { Row } from './answers.js'

export const availabilities = ['none', 'one', 'some', 'all'] as const
export type Availability = (typeof availabilities)[number]

export interface Service {
  /** Absent: those that no slug leads to. */
  readonly slug?: string
  /** Those that count: neither removed nor superseded. */
  readonly rows: readonly Row[]
  /** By `keyOf`. */
  readonly picked: ReadonlySet<string>
  readonly availability: Availability
  /** What keeps the others from being picked, in words. */
  readonly causes: string
}

/** Several nodes may hold a record of one id. */
export function keyOf({ id, owner }: Pick<Row, 'id' | 'owner'>): string {
  return `${owner} ${id}`
}

export function counts({ reason }: Row): boolean {
  return reason !== 'removed' && reason !== 'superseded'
}

/** Those among which a pick here goes round, as the daemon says; nobody picks one without a slug, so that all count that are shown. */
function pickedOf(slug: string | undefined, rows: readonly Row[]): readonly Row[] {
  return rows.filter(({ pickable, visible }) => (slug === undefined ? visible : pickable === true))
}

/** Worst first, then by name; those without a slug at the end, as nobody picks them by one. */
export function servicesOf(rows: readonly Row[]): readonly Service[] {
  const bySlug = new Map<string | undefined, Row[]>()
  for (const row of rows) {
    if (!counts(row)) continue
    const those = bySlug.get(row.slug)
    if (those === undefined) bySlug.set(row.slug, [row])
    else those.push(row)
  }
  return [...bySlug].map(([slug, those]) => serviceOf(slug, those)).sort(worstFirst)
}

function serviceOf(slug: string | undefined, rows: readonly Row[]): Service {
  const picked = new Set(pickedOf(slug, rows).map(keyOf))
  return {
    ...(slug !== undefined && { slug }),
    rows: [...rows].sort((a, b) => Number(picked.has(keyOf(a))) - Number(picked.has(keyOf(b))) || order(a.id, b.id)),
    picked,
    availability: availabilityOf(picked.size, rows.length),
    causes: causesOf(rows.filter((row) => !picked.has(keyOf(row)))),
  }
}

function availabilityOf(picked: number, all: number): Availability {
  if (picked === 0) return 'none'
  if (picked === 1) return 'one'
  return picked < all ? 'some' : 'all'
}

function causesOf(rows: readonly Row[]): string {
  const tally = new Map<string, number>()
  for (const row of rows) {
    const cause = causeOf(row)
    tally.set(cause, (tally.get(cause) ?? 0) + 1)
  }
  return [...tally].map(([cause, times]) => `${times} ${cause}`).join(', ')
}

/** In two words, why this one is not picked. */
export function causeOf({ visible, degraded, reason, status, fromHere }: Row): string {
  if (!visible && degraded !== true)
    return reason === 'maintenance' ? 'in maintenance' : (reason ?? 'hidden').replace('-', ' ')
  if (status !== 'Healthy') return status
  return fromHere?.reached === false ? 'not reached from here' : 'not picked'
}

function worstFirst(a: Service, b: Service): number {
  const rank = ({ slug, availability, rows }: Service): number =>
    slug === undefined
      ? 9
      : 2 * availabilities.indexOf(availability) + (availability === 'one' && rows.length === 1 ? 1 : 0)
  return rank(a) - rank(b) || order(a.slug ?? '', b.slug ?? '')
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** One of several, or none at all: what somebody should look at. A service of one instance is what it is meant to be. */
export function isThin({ slug, availability, rows }: Service): boolean {
  return slug !== undefined && availability === 'one' && rows.length > 1
}

const texts = new WeakMap<Row, string>()

/** All that an instance is found by. */
function textOf(row: Row): string {
  const known = texts.get(row)
  if (known !== undefined) return known
  const { id, slug, url, host, ip, status, nodeId, nodeUrl, owner, why, tags = [], zone, version } = row
  const text = [id, slug, url, host, ip, status, nodeId, nodeUrl, owner, why, zone, version, ...tags]
    .join('\n')
    .toLowerCase()
  texts.set(row, text)
  return text
}

/** Every word has to be in it. */
export function wordsOf(filter: string): readonly string[] {
  return filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
}

export function fits(row: Row, words: readonly string[]): boolean {
  return words.every((word) => textOf(row).includes(word))
}

/** Those with at least one instance that fits. */
export function found(services: readonly Service[], filter: string): readonly Service[] {
  const words = wordsOf(filter)
  return words.length === 0 ? services : services.filter(({ rows }) => rows.some((row) => fits(row, words)))
}
