/**
 * What a node says of itself to whoever asks what it sees: made from its views, read from the answer of a peer, who may say anything.
 */
import { type Steps, ofEach } from '../basics/steps.js'
import type { PeerId } from '../model/model.js'
import { dialOutcomes } from '../words/dial-words.js'
import { isNeverHeard } from '../words/never-heard.js'
import { unreadyCauses } from '../words/causes.js'
import { modelLimits } from '../model/model.js'
import {
  memberStates,
  type DigestView,
  type MemberView,
  type PeersView,
  type PeerView,
  type SelfView,
} from '../views.js'
import { wireLimits } from '../wire/limits.js'
import { linkDirections, linkStates, type SeenMember, type Sight } from './views.js'

/** So long after it began nothing may flow over a connection yet, and so long a newcomer may not be connected yet. */
const settling_ms = 5000

export interface Views {
  readonly self: Pick<SelfView, 'version' | 'protocol' | 'listen' | 'ready' | 'state'>
  readonly members: readonly MemberView[]
  readonly peers: Pick<PeersView, 'peers' | 'degraded'>
  readonly digest: Pick<DigestView, 'digest'>
  /** Unix milliseconds. */
  readonly wall: number
}

/**
 * Cut to what one answer holds; what is wrong comes first, those of whom nothing was heard come last: there may be thousands. Of a large
 * cluster that is work, which can be left off.
 */
export function* sightOf({ self, members, peers, digest, wall }: Views): Steps<Sight> {
  const links = new Map(peers.peers.map((peer) => [peer.peer, peer]))
  const unheard = new Set<PeerId>()
  const seen = yield* ofEach(members, (member) => {
    if (isNeverHeard(member)) unheard.add(member.peer)
    return member.self ? undefined : seenOf(member, links.get(member.peer), wall)
  })
  const weightOf = (one: SeenMember): number => (unheard.has(one.peer) ? 0 : weight(one))
  const { ready, reasons, causes } = self.ready
  const [address] = self.listen
  const { phase, otherAt, refusal } = self.state
  return withinLimit({
    clock: wall,
    software: self.version,
    protocol: self.protocol,
    phase,
    ready,
    ...(!ready && { reason: cut(reasons.join('; ')) }),
    ...(causes !== undefined && { causes }),
    ...(refusal !== undefined && { refusal: cut(refusal) }),
    ...(address !== undefined && { address: cut(address) }),
    ...(otherAt !== undefined && { otherAt: cut(otherAt) }),
    digest: digest.digest,
    inDoubt: peers.degraded,
    sees: seen.sort((a, b) => weightOf(b) - weightOf(a) || (a.peer < b.peer ? -1 : 1)),
  })
}

function seenOf(
  { peer, state, stateAge_ms, reportedBy }: MemberView,
  link: PeerView | undefined,
  wall: number,
): SeenMember {
  const failure = link === undefined ? undefined : failureOf(link, stateAge_ms, wall)
  const isOpen = link?.connected === true && failure === undefined
  return {
    peer,
    state,
    since_ms: stateAge_ms,
    link: isOpen ? 'open' : failure === undefined || state === 'left' ? 'none' : 'failing',
    ...(isOpen && link.direction !== undefined && { direction: link.direction }),
    ...(link?.connected === false && link.dial !== undefined && { dial: link.dial }),
    ...(link?.roundTrip_ms !== undefined && { rtt_ms: link.roundTrip_ms }),
    ...(failure !== undefined && state !== 'left' && { failure: cut(failure) }),
    ...(link?.heard !== undefined && { hears: link.heard }),
    ...(reportedBy.length > 0 && { reported: true }),
    ...(link?.outOfStep_ms !== undefined && { outOfStep_ms: link.outOfStep_ms }),
  }
}

/** Of what is meant to be there: that is missed from the moment on at which it ends, not from the first dial that fails. */
function failureOf(link: PeerView, stateAge_ms: number, wall: number): string | undefined {
  if (!link.connected) return link.wanted === true ? absenceOf(link, stateAge_ms) : undefined
  if (link.heard === false) return `connected, but no heartbeat for ${seconds(link.heartbeatAge_ms ?? 0)}`
  const age_ms = link.connectedSince === undefined ? 0 : wall - new Date(link.connectedSince).getTime()
  if (link.streamsHealthy || age_ms < settling_ms) return undefined
  return 'connected, but heartbeats or gossip do not flow'
}

function absenceOf({ lastError, dial, lost_ms }: PeerView, stateAge_ms: number): string | undefined {
  const tried = lastError ?? dial
  if (tried !== undefined) return tried
  if (lost_ms !== undefined) return `the connection ended ${seconds(lost_ms)} ago`
  return stateAge_ms < settling_ms ? undefined : 'not connected yet'
}

function seconds(length_ms: number): string {
  return `${Math.round(length_ms / 1000)} s`
}

function weight({ state, link, reported, outOfStep_ms }: SeenMember): number {
  if (state === 'left') return 0
  return (
    1 + Number(state !== 'alive') + Number(link === 'failing') + Number(reported === true || outOfStep_ms !== undefined)
  )
}

function cut(text: string): string {
  return text.length <= modelLimits.labelLength ? text : `${text.slice(0, modelLimits.labelLength - 1)}…`
}

/** With what is about it an answer stays below the limit of the wire, whatever its characters. */
function withinLimit(sight: Sight): Sight {
  const encoder = new TextEncoder()
  let left = wireLimits.answerBytes - 7 * modelLimits.labelLength - 1024
  const fitting = sight.sees.findIndex((one) => (left -= encoder.encode(JSON.stringify(one)).length + 1) < 0)
  if (fitting < 0) return sight
  return { ...sight, sees: sight.sees.slice(0, fitting), more: sight.sees.length - fitting }
}

// ---- from a peer: a value, or undefined

type Fields = Readonly<Record<string, unknown>>

/** Reads the answer of a peer. Words that only a later version knows drop what they stand in; what has another type spoils all. */
export function readSight(answer: unknown): Sight | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const { clock, software, protocol, phase, ready, reason, causes, refusal, address, otherAt } = answer as Fields
  const { digest, inDoubt, sees, more } = answer as Fields
  const isSound =
    isCount(clock) &&
    isAbsentOr(isText, software) &&
    isAbsentOr(isCount, protocol) &&
    isText(phase) &&
    typeof ready === 'boolean' &&
    [reason, refusal, address, otherAt].every((text) => isAbsentOr(isText, text)) &&
    isAbsentOr(isListOfTexts, causes) &&
    isText(digest) &&
    typeof inDoubt === 'boolean' &&
    isAbsentOr(isCount, more)
  if (!isSound || !Array.isArray(sees) || sees.length > wireLimits.documents) return undefined
  const read = sees.map(readSeen)
  if (read.includes('unsound')) return undefined
  const byPeer = new Map(read.flatMap((one) => (typeof one === 'object' ? [[one.peer, one] as const] : [])))
  return {
    ...{ clock, phase, ready, digest, inDoubt },
    ...(software !== undefined && { software: software as string }),
    ...(protocol !== undefined && { protocol: protocol as number }),
    ...(reason !== undefined && { reason: reason as string }),
    ...(causes !== undefined && { causes: unreadyCauses.filter((one) => (causes as string[]).includes(one)) }),
    ...(refusal !== undefined && { refusal: refusal as string }),
    ...(address !== undefined && { address: address as string }),
    ...(otherAt !== undefined && { otherAt: otherAt as string }),
    sees: [...byPeer.values()],
    ...(more !== undefined && { more: more as number }),
  }
}

function readSeen(given: unknown): SeenMember | 'unsound' | 'of a later version' {
  if (typeof given !== 'object' || given === null) return 'unsound'
  const { peer, state, link, failure, since_ms, rtt_ms, outOfStep_ms, hears, reported } = given as Fields
  const { direction, dial } = given as Fields
  const knownDirection = linkDirections.find((one) => one === direction)
  const knownDial = dialOutcomes.find((one) => one === dial)
  const isSound =
    isText(peer) &&
    peer.length <= wireLimits.peerIdBytes &&
    isText(state) &&
    isText(link) &&
    isAbsentOr(isText, failure) &&
    isAbsentOr(isYesOrNo, hears) &&
    [since_ms, rtt_ms, outOfStep_ms].every((length) => isAbsentOr(isLength, length))
  if (!isSound) return 'unsound'
  const [knownState, knownLink] = [memberStates.find((one) => one === state), linkStates.find((one) => one === link)]
  if (knownState === undefined || knownLink === undefined) return 'of a later version'
  return {
    peer,
    state: knownState,
    link: knownLink,
    ...(since_ms !== undefined && { since_ms: since_ms as number }),
    ...(rtt_ms !== undefined && { rtt_ms: rtt_ms as number }),
    ...(failure !== undefined && { failure: failure as string }),
    ...(hears !== undefined && { hears: hears as boolean }),
    ...(reported === true && { reported }),
    ...(knownDirection !== undefined && { direction: knownDirection }),
    ...(knownDial !== undefined && { dial: knownDial }),
    ...(outOfStep_ms !== undefined && { outOfStep_ms: outOfStep_ms as number }),
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= modelLimits.labelLength
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length <= unreadyCauses.length && value.every(isText)
}

function isYesOrNo(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isLength(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isAbsentOr(is: (value: unknown) => boolean, value: unknown): boolean {
  return value === undefined || is(value)
}
