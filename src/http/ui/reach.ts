/**
 * Who cannot reach whom, of what every node says that it sees. Pure.
 */
import type { Sight, Survey, Surveyed } from './answers.js'

/**
 * `open`: connected. `heard`: not connected, nor meant to be, but known to live. `fails`: it should be heard, and is not. `away`: the
 * other one answers nobody. `unknown`: nobody says.
 */
export type Cell = 'open' | 'heard' | 'fails' | 'away' | 'unknown' | 'self'

export interface Trouble {
  readonly from: Surveyed
  readonly to: Surveyed
  readonly sight: Sight
  /** The other way it is well. */
  readonly isOneWay: boolean
}

export interface Zone {
  readonly name: string
  readonly nodes: readonly Surveyed[]
}

export interface Reach {
  readonly zones: readonly Zone[]
  /** By zone, those in trouble first where there are too many. */
  readonly shown: readonly Surveyed[]
  readonly left: number
  readonly troubles: readonly Trouble[]
  cell(from: Surveyed, to: Surveyed): Cell
  isOneWay(from: Surveyed, to: Surveyed): boolean
  sight(from: Surveyed, to: Surveyed): Sight | undefined
}

/** More rows than that nobody reads; the others are counted. */
export const mostShown = 32

export function reachOf({ nodes }: Survey): Reach {
  const sights = new Map(nodes.map((node) => [node.peer, new Map((node.sees ?? []).map((one) => [one.peer, one]))]))
  const sight = (from: Surveyed, to: Surveyed): Sight | undefined => sights.get(from.peer)?.get(to.peer)
  const cell = (from: Surveyed, to: Surveyed): Cell => {
    if (from.peer === to.peer) return 'self'
    const seen = sight(from, to)
    if (seen === undefined) return 'unknown'
    if (!isBad(seen)) return seen.link === 'open' ? 'open' : 'heard'
    return answers(to) ? 'fails' : 'away'
  }
  const isOneWay = (from: Surveyed, to: Surveyed): boolean => {
    const back = cell(to, from)
    if (cell(from, to) !== 'fails') return false
    // A link that is gone is gone at both ends; which way it failed shows in what was heard at its end.
    return back === 'open' || back === 'heard' || (sight(from, to)?.hears === false && sight(to, from)?.hears === true)
  }
  const troubles = nodes.flatMap((from) =>
    [...(sights.get(from.peer)?.values() ?? [])].filter(isBad).flatMap((seen): Trouble[] => {
      const to = nodes.find(({ peer }) => peer === seen.peer)
      return to === undefined || to.peer === from.peer ? [] : [{ from, to, sight: seen, isOneWay: isOneWay(from, to) }]
    }),
  )
  const zones = zonesOf(nodes)
  const shown = shownOf(zones, troubles)
  return {
    zones,
    shown,
    left: nodes.length - shown.length,
    troubles: [...troubles].sort((a, b) => Number(b.isOneWay) - Number(a.isOneWay)),
    ...{ cell, isOneWay, sight },
  }
}

export function answers({ how }: Surveyed): boolean {
  return how === 'self' || how === 'answered'
}

/** A goodbye is no trouble, and who was never heard of is not missed. */
function isBad({ state, link }: Sight): boolean {
  return link === 'failing' || state === 'hidden' || state === 'dead'
}

function zonesOf(nodes: readonly Surveyed[]): readonly Zone[] {
  const byName = new Map<string, Surveyed[]>()
  for (const node of nodes) {
    const name = node.zone ?? node.region ?? ''
    byName.set(name, [...(byName.get(name) ?? []), node])
  }
  const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([name, those]) => ({ name, nodes: [...those].sort((a, b) => (a.id < b.id ? -1 : 1)) }))
}

function shownOf(zones: readonly Zone[], troubles: readonly Trouble[]): readonly Surveyed[] {
  const all = zones.flatMap(({ nodes }) => nodes)
  if (all.length <= mostShown) return all
  const weight = new Map<string, number>()
  const add = (peer: string, what: number): void => void weight.set(peer, (weight.get(peer) ?? 0) + what)
  for (const { from, to, isOneWay } of troubles) {
    add(from.peer, isOneWay ? 1000 : 1)
    add(to.peer, isOneWay ? 1000 : 1)
  }
  const worst = [...all].sort((a, b) => (weight.get(b.peer) ?? 0) - (weight.get(a.peer) ?? 0)).slice(0, mostShown)
  const kept = new Set(worst.filter(({ peer }) => weight.has(peer)))
  return all.filter((node) => kept.has(node))
}

/** How many of the pairs from one zone to another fail, of how many; whoever answers nobody is in none of them. */
export function between(
  reach: Reach,
  from: Zone,
  to: Zone,
): { readonly fails: number; readonly oneWay: number; readonly pairs: number } {
  const inFrom = new Set(from.nodes.map(({ peer }) => peer))
  const inTo = new Set(to.nodes.filter(answers).map(({ peer }) => peer))
  const those = reach.troubles.filter((one) => inFrom.has(one.from.peer) && inTo.has(one.to.peer))
  const speaking = from.nodes.filter(answers)
  const pairs = speaking.length * inTo.size - (from === to ? speaking.length : 0)
  return { fails: those.length, oneWay: those.filter(({ isOneWay }) => isOneWay).length, pairs }
}
