/**
 * Who may be picked: of what is listed those that a caller asks for, of those the best there are, each with its share. It is made once
 * for a listing, never changes, and chooses nobody.
 */
import type { InstanceStatus } from '../model/model.js'
import { type Traits, defaultWeight, portOf } from '../model/traits.js'
import { hashText } from './lots.js'
import { worthPicking } from './preference.js'

export const localities = ['node', 'zone', 'region'] as const
export type Locality = (typeof localities)[number]

/** Where something is, or who asks; what is not known is nowhere near. */
export type Whereabouts = { readonly [Name in Locality]?: string | undefined }

/** What a caller asks of those that may be picked. All of it has to fit. */
export interface Demands {
  /** All of these. */
  readonly tags?: readonly string[]
  /** What it says under these keys. */
  readonly metadata?: Readonly<Record<string, string>>
  /** It has a port of that name. */
  readonly port?: string
  /** None of these ids. */
  readonly exclude?: readonly string[]
  /** Those near the caller, as long as at least half of them are well; fewer get the share that they can bear. */
  readonly prefer?: Locality
}

/** What is looked at of one that is listed. */
export interface Pickable extends Traits {
  readonly id: string
  readonly status: InstanceStatus
  readonly tags?: readonly string[]
}

/** How what is listed is read. */
export interface Reading<T> {
  of(one: T): Pickable
  whereabouts(one: T): Whereabouts
  here(): Whereabouts
}

/** Those of which the later ones count only where nothing of the earlier can be picked. Each in the order of their ids. */
export type Pools<T> = readonly Pool<T>[]

export interface Pool<T> {
  readonly listed: readonly T[]
  /** They are only last known: even those of a bad status are better than nothing. */
  readonly inDoubt: boolean
  /** Ids of those that whoever picks does not reach, as far as he knows: they count only where nobody else of the pool does. */
  readonly avoided?: ReadonlySet<string> | undefined
}

/** At least one of them, in the order of their ids. */
export class Candidates<T> {
  readonly ids: readonly string[]
  readonly total: number
  /** All have the same weight. */
  readonly even: boolean
  #upTo: Float64Array | undefined
  #byWeight: readonly Weighed[] | undefined

  constructor(
    readonly ones: readonly T[],
    idOf: (one: T) => string,
    readonly weights: Float64Array,
  ) {
    this.ids = ones.map(idOf)
    this.total = weights.reduce((sum, weight) => sum + weight, 0)
    this.even = weights.every((weight) => weight === weights[0])
  }

  /** The weights of all up to each one, itself included. */
  get upTo(): Float64Array {
    if (this.#upTo === undefined) {
      let sum = 0
      this.#upTo = this.weights.map((weight) => (sum += weight))
    }
    return this.#upTo
  }

  get byWeight(): readonly Weighed[] {
    if (this.#byWeight === undefined) {
      const places = new Map<number, number[]>()
      for (const [place, weight] of this.weights.entries()) {
        const same = places.get(weight)
        if (same === undefined) places.set(weight, [place])
        else same.push(place)
      }
      this.#byWeight = [...places].map(([weight, those]) => this.#weighed(weight, those))
    }
    return this.#byWeight
  }

  #weighed(weight: number, places: readonly number[]): Weighed {
    const hashes = (seed: number): Int32Array =>
      Int32Array.from(places, (place) => hashText(this.ids[place] as string, seed))
    return { weight, places: Uint32Array.from(places), hashes: hashes(0), ties: hashes(1) }
  }
}

/** Those of one weight. */
export interface Weighed {
  readonly weight: number
  readonly places: Uint32Array
  /** Of their ids. */
  readonly hashes: Int32Array
  /** Others, for those that have the same. */
  readonly ties: Int32Array
}

/** Undefined where there is nobody to pick. */
export function candidatesOf<T>(pools: Pools<T>, demands: Demands, reading: Reading<T>): Candidates<T> | undefined {
  for (const { listed, inDoubt, avoided } of pools) {
    const asked = isDemanding(demands) ? fitting(listed, demands, reading) : listed
    const reached = avoided === undefined ? asked : asked.filter((one) => !avoided.has(reading.of(one).id))
    const best = worthPicking(reached, reading.of, inDoubt)
    const worth = best.length > 0 || reached === asked ? best : worthPicking(asked, reading.of, inDoubt)
    // Those near by who are not reached count among those of them who are not well.
    if (worth.length > 0) return sharedOut(asked, worth, demands.prefer, reading)
  }
  return undefined
}

function isDemanding({ tags, metadata, port, exclude }: Demands): boolean {
  return tags !== undefined || metadata !== undefined || port !== undefined || exclude !== undefined
}

function fitting<T>(listed: readonly T[], demands: Demands, reading: Reading<T>): readonly T[] {
  const { tags = [], metadata = {}, port } = demands
  const [entries, excluded] = [Object.entries(metadata), new Set(demands.exclude)]
  return listed.filter((one) => {
    const { id, tags: said = [], metadata: told, ports } = reading.of(one)
    if (excluded.has(id) || (port !== undefined && portOf(ports, port) === undefined)) return false
    if (!tags.every((tag) => said.includes(tag))) return false
    return entries.every(([key, value]) => told !== undefined && Object.hasOwn(told, key) && told[key] === value)
  })
}

/**
 * Near ones alone, as long as half of their weight is worth picking. Of less they bear twice what is left; the others the rest, by
 * weight. Where none of those worth picking weighs anything, each is as good as the other, and counts for one.
 */
function sharedOut<T>(
  asked: readonly T[],
  worth: readonly T[],
  prefer: Locality | undefined,
  reading: Reading<T>,
): Candidates<T> {
  const said = (one: T): number => reading.of(one).weight ?? defaultWeight
  const weightOf = worth.every((one) => said(one) === 0) ? (): number => 1 : said
  const candidates = (ones: readonly T[], shareOf: (one: T) => number): Candidates<T> =>
    new Candidates(ones, (one) => reading.of(one).id, Float64Array.from(ones, shareOf))
  const here = prefer === undefined ? undefined : reading.here()[prefer]
  if (prefer === undefined || here === undefined) return candidates(worth, weightOf)
  const isNear = (one: T): boolean => reading.whereabouts(one)[prefer] === here
  const near = worth.filter(isNear)
  if (near.length === 0 || near.length === worth.length) return candidates(worth, weightOf)
  const nearWeight = sum(near, weightOf)
  const nearShare = (2 * nearWeight) / sum(asked.filter(isNear), weightOf)
  if (nearShare >= 1) return candidates(near, weightOf)
  const farWeight = sum(worth, weightOf) - nearWeight
  return candidates(worth, (one) =>
    isNear(one) ? (weightOf(one) * nearShare) / nearWeight : (weightOf(one) * (1 - nearShare)) / farWeight,
  )
}

function sum<T>(ones: readonly T[], weightOf: (one: T) => number): number {
  return ones.reduce((total, one) => total + weightOf(one), 0)
}
