/**
 * Looks at each node by itself: whether it serves, what its disk says, who it says it is, which clock it has, which version it runs.
 */
import { groupedBy } from '../basics/grouped.js'
import type { PeerId } from '../model/model.js'
import type { SurveyedNode } from '../survey/views.js'
import { isOfItsNode } from '../model/url.js'
import { wireLimits } from '../wire/limits.js'
import type { DropReason } from '../words/drop-reasons.js'
import { droppedInWords } from '../words/dropped-words.js'
import { isUnmet, takesWrites, type TroubleKind } from '../words/causes.js'
import { count } from '../words/count.js'
import type { MemberView } from '../views.js'
import { cloned } from './clones.js'
import { isInDoubt, living, nameOf, speaking, type Examined, type Look } from './examined.js'
import { isKeptOut } from './strangers.js'
import { lasting, named, type Finding } from './findings.js'

/** Two clocks are apart if they differ by more, whatever the way of the answer took. */
const clockTolerance_ms = 2000
/** Who waits for the disk at one moment, where it keeps up. */
const waitingTolerated = 256
/** Of nodes that were not asked, so many beside the first are named with their place. */
const elsewhereAtMost = 3
/** Of what one document may hold. */
const largeShare = 0.8
/** Updates are folded in once they outweigh what they lead to, tombstones go once there are more of them than of what lives: by then it is four at the most. */
const bloatFactor = 8
/** Below that nobody minds. */
const bloatFloor_bytes = 16 * 1024 * 1024

export const lookAtNodes: Look = (examined) => [
  ...doubts(examined),
  disk(examined),
  notReady(examined),
  silent(examined),
  room(examined),
  ...odd(examined),
  slowDisk(examined),
  large(examined),
  bloated(examined),
  labels(examined),
  urls(examined),
  ...clocks(examined),
  dropped(examined),
  versions(examined),
  draining(examined),
  notAsked(examined),
]

function doubts(examined: Examined): Finding[] {
  const { survey } = examined
  const doubting = speaking(survey).filter(({ inDoubt }) => inDoubt)
  const others = doubting.filter(({ how }) => how !== 'self')
  const findings: Finding[] = isInDoubt(examined) ? [ownDoubt(examined)] : []
  if (others.length > 0)
    findings.push({
      id: 'in-doubt',
      severity: 'error',
      what: `${named(ids(others))} ${others.length === 1 ? 'has' : 'have'} lost sight of most of the cluster.`,
      meaning: 'Lookups there list what was last known, marked degraded.',
      remedy: 'Check the network of those machines, then ask there: rollcall peers.',
      about: ids(others),
    })
  return findings
}

/** That all fell silent is said once: it is no news of each of them. A machine that refuses a dial has answered it. */
function ownDoubt(examined: Examined): Finding {
  const { survey, members } = examined
  const others = members.filter(({ self, state }) => !self && state !== 'left')
  const silent = others.filter(({ state }) => state !== 'alive')
  const isReached = silent.some(({ dial }) => dial === 'refused')
  const isCutOff = silent.length === others.length && !isReached
  const kept = isKeptOut(examined)
  return {
    id: 'in-doubt',
    severity: 'error',
    what: isCutOff
      ? `Everybody else is silent to this node (${survey.by}) at once, ${count(silent.length, 'node')}: that points to this machine, not to them.`
      : `This node (${survey.by}) has lost sight of ${silent.length} of the ${others.length} others at once.`,
    meaning: `${kept ? 'Its handshakes fail, which explains it' : isReached ? 'Machines of others answer, and their daemons do not run' : 'It is this node, or its network, that is cut off'}: lookups here list what was last known, marked degraded.`,
    remedy: kept
      ? 'See to its cluster key first.'
      : isReached
        ? 'Start those again first that are gone, then see whom this node still misses: rollcall members.'
        : 'Check the network of this machine first (cable, firewall, ports of --listen), then: rollcall peers.',
    about: [survey.by],
  }
}

function disk({ survey, self }: Examined): Finding | undefined {
  const refusing = speaking(survey).filter(({ how, causes = [] }) =>
    how === 'self' ? self.state.refusal !== undefined : causes.includes('disk'),
  )
  if (refusing.length === 0) return undefined
  const own = refusing.some(({ how }) => how === 'self') ? self.state.refusal : undefined
  return {
    id: 'disk-refuses',
    severity: 'error',
    what: `The disk refuses writes at ${named(ids(refusing))}: ${own ?? refusing[0]?.refusal ?? 'no reason given'}.`,
    meaning: 'Nothing can be registered or changed there; what is registered stays listed, and lookups go on.',
    remedy:
      'Make room, or mend the disk, of the data directory there (df -h; its place: rollcall config); it goes on by itself.',
    about: ids(refusing),
  }
}

function notReady(examined: Examined): Finding | undefined {
  // What another finding tells with its remedy.
  const told = new Set(['muted', 'disk', ...(isKeptOut(examined) ? ['kept-out'] : [])])
  const isTold = ({ phase, causes = [] }: SurveyedNode): boolean =>
    phase === 'muted' || (causes.length > 0 && causes.every((cause) => told.has(cause)))
  const waiting = speaking(examined.survey).filter((node) => node.ready === false && !isTold(node))
  if (waiting.length === 0) return undefined
  const reasons = waiting.map(({ id, reason }) => `${id} (${reason ?? 'no reason given'})`)
  const isAlone = ({ causes = [] }: SurveyedNode): boolean => causes.length > 0 && causes.every(isUnmet)
  const isWritable = ({ causes = [] }: SurveyedNode): boolean => causes.length > 0 && causes.every(takesWrites)
  return {
    id: 'not-ready',
    severity: 'error',
    what: `Not ready: ${named(reasons, 3)}.`,
    meaning: waiting.every(isAlone)
      ? 'It has met nobody yet: it takes writes, which stay on it alone until it does, and lists what is known to it alone.'
      : waiting.some(isAlone)
        ? 'Some take no writes yet; others have met nobody, and what is written there stays there. What they list may not be all there is.'
        : waiting.every(isWritable)
          ? 'It takes writes, and what it lists may not be all there is: what the others hold is on its way there.'
          : 'It takes no writes yet, and what it lists may not be all there is.',
    remedy: 'A start takes seconds; if this lasts, do what the reason says, and look into its log.',
    about: ids(waiting),
  }
}

function silent(examined: Examined): Finding | undefined {
  const two = cloned(examined)
  const mute = examined.survey.nodes.filter(({ how, peer }) => how === 'silent' && !two.has(peer))
  if (mute.length === 0) return undefined
  return {
    id: 'node-silent',
    severity: 'warning',
    what: `${named(ids(mute))} ${mute.length === 1 ? 'is' : 'are'} connected, but did not answer within a second.`,
    meaning:
      'Its process is frozen (suspended), starved of CPU, or stuck on its disk; if it stays silent it is hidden within seconds.',
    remedy: 'Look at the process there: top, systemctl status rollcall; kill -CONT PID if it was suspended.',
    about: ids(mute),
  }
}

function troubled({ members }: Examined, ...kinds: readonly TroubleKind[]): readonly MemberView[] {
  return members.filter(({ troubleKind }) => troubleKind !== undefined && kinds.includes(troubleKind))
}

function room(examined: Examined): Finding | undefined {
  const { self, survey } = examined
  const name = ({ peer }: MemberView): string => nameOf(peer, examined)
  const kept = speaking(survey).filter(({ causes = [] }) => causes.includes('no-room'))
  const refusing = troubled(examined, 'refuses-us').map(name)
  const [declined] = troubled(examined, 'no-room')
  const notHere = troubled(examined, 'no-room').map(name)
  const refused = self.dropped['too many nodes that nobody hears'] ?? 0
  const about = [...new Set([...notHere, ...refusing, ...ids(kept)])]
  if (about.length === 0 && refused === 0) return undefined
  const what = [
    ...(declined === undefined
      ? []
      : [`There is no room here for the records of ${named(notHere)}: ${declined.trouble}`]),
    ...(refusing.length === 0
      ? []
      : [`There is no room at ${named(refusing)} for the records of this node (${survey.by})`]),
    ...(kept.length === 0
      ? []
      : [`There is no room anywhere for the records of ${named(ids(kept))}: ${kept[0]?.reason}`]),
    ...(about.length > 0
      ? []
      : [`Records of nodes of which nobody hears a word were refused ${count(refused, 'time')}`]),
  ]
  return {
    id: 'no-room',
    severity: about.length > 0 ? 'error' : 'warning',
    what: `${what.join('. ')}.`,
    meaning: 'Newcomers are refused: what is registered at them is not shown everywhere.',
    remedy:
      'See who is dead: rollcall members; forget those that are gone: rollcall force-leave NODE; or give more --copies-mib.',
    about,
  }
}

const odds = {
  'older-records': {
    meaning: 'Others have given back what was missing; what it wrote alone since then counts, too.',
    remedy: 'Nothing, where a backup was restored; else look after the disk of that node, and at its log.',
  },
  'brings-unheard': {
    meaning: 'Somebody makes up nodes, or their machines were thrown away by the hundred; others stay as they are.',
    remedy: 'See who they are: rollcall members; look at that node, and at its log.',
  },
  'wrong-records': {
    meaning: 'What is registered there is not shown here; others are as they are.',
    remedy: 'Start it again, or bring it up to date: rollcall leave --restart there, then start it.',
  },
} as const

function odd(examined: Examined): (Finding | undefined)[] {
  return (['older-records', 'brings-unheard', 'wrong-records'] as const).map((kind) => {
    const those = troubled(examined, kind)
    const [first] = those
    if (first === undefined) return undefined
    const names = those.map(({ peer }) => nameOf(peer, examined))
    const what = `Something was odd about the records of ${named(names)} in the last minutes: ${first.trouble}.`
    return { id: 'records-odd', severity: 'warning', what, ...odds[kind], about: names }
  })
}

function slowDisk({ self, survey }: Examined): Finding | undefined {
  const { waitingForDisk, refusal } = self.state
  if (waitingForDisk <= waitingTolerated || refusal !== undefined) return undefined
  return {
    id: 'disk-slow',
    severity: 'warning',
    what: `${count(waitingForDisk, 'write')} wait for the disk of this node (${survey.by}).`,
    meaning: 'More is written than the disk takes: each write is slow, and lookups are not.',
    remedy: 'See who writes so much (rollcall watch), and how busy the disk is (iostat -x 1).',
    about: [survey.by],
  }
}

function large({ self, survey }: Examined): Finding | undefined {
  const { entries, entryBytes } = self.state
  const share = Math.max(entries / wireLimits.entries, entryBytes / wireLimits.entryBytes)
  if (share < largeShare) return undefined
  return {
    id: 'document-large',
    severity: 'warning',
    what: `The records of this node (${survey.by}) take ${Math.round(100 * share)} % of what one node may hold (${entries} of ${wireLimits.entries} entries).`,
    meaning: 'When it is full nothing more can be registered here.',
    remedy:
      'Register at several nodes, give registrations a --ttl or a session so that they end, and see what there is: rollcall instances --all.',
    about: [survey.by],
  }
}

function bloated(examined: Examined): Finding | undefined {
  const { documents = [], self, survey } = examined
  const those = documents
    .filter(({ bytes, live_bytes }) => bytes >= bloatFloor_bytes && bytes > bloatFactor * live_bytes)
    .sort((a, b) => b.bytes - a.bytes)
  const [first] = those
  if (first === undefined) return undefined
  const each = those.map(({ owner, bytes, live_bytes }) => {
    const times = Math.round(bytes / Math.max(1, live_bytes))
    return `those of ${nameOf(owner, examined)} take ${mebibytes(bytes)}, ${times} times what they say`
  })
  const isOwn = first.owner === self.peer
  return {
    id: 'document-bloat',
    severity: 'warning',
    what: `On the disk of this node (${survey.by}) records take far more than they say: ${named(each, 3)}.`,
    meaning:
      'What was removed or changed there is still carried along: disk, and the time of each start; lookups are as they should be.',
    remedy: `What is written next there leaves it out, as does a start: rollcall leave --restart at ${isOwn ? 'this node' : nameOf(first.owner, examined)}, then start it; of a node that is gone for good: rollcall force-leave NODE.`,
    about: those.map(({ owner }) => nameOf(owner, examined)),
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / (1024 * 1024))} MiB`
}

/** Of two daemons with one key another finding tells; one that has said goodbye has made room for its name. */
function labels(examined: Examined): Finding | undefined {
  const { members } = examined
  const two = cloned(examined)
  const labelled = members.filter(({ sameLabel, state, peer }) => sameLabel && state !== 'left' && !two.has(peer))
  const byLabel = groupedBy(labelled, ({ peer }) => nameOf(peer, examined))
  const doubled = [...byLabel].filter(([, those]) => those.length > 1)
  if (doubled.length === 0) return undefined
  const names = doubled.map(([label]) => label)
  const which = doubled.flatMap(([, those]) => those.map(({ url, peer, state }) => `${url ?? peer} (${state})`))
  return {
    id: 'label-twice',
    severity: 'warning',
    what: `Several nodes call themselves ${named(names)}: ${named(which)}.`,
    meaning: 'People and tools cannot tell them apart; the register can.',
    remedy: 'Give each a --node-id of its own; forget one that is dead by its peer id: rollcall force-leave PEER.',
    about: names,
  }
}

function urls(examined: Examined): Finding | undefined {
  const byUrl = groupedBy(living(examined), ({ url }) => url)
  byUrl.delete(undefined)
  const [shared, ...more] = [...byUrl]
    .filter(([, those]) => those.length > 1)
    .map(([url, those]) => [url, those.map(({ peer }) => nameOf(peer, examined))] as const)
  if (shared === undefined) return undefined
  return {
    id: 'url-twice',
    severity: 'warning',
    what: `${named(shared[1])} are known by one url, ${shared[0]}${more.length > 0 ? `, and so are others` : ''}.`,
    meaning: 'Whoever asks one of them by its url may be answered by another.',
    remedy: 'Start each with a --url of its own.',
    about: [shared, ...more].flatMap(([, names]) => names),
  }
}

/** Alike ones together: where all others seem wrong, and all in the same way, it is this machine's clock. */
function clocks({ survey }: Examined): Finding[] {
  const apart = survey.nodes.filter(
    ({ clockOffset_ms = 0, took_ms = 0 }) => Math.abs(clockOffset_ms) > Math.max(clockTolerance_ms, took_ms),
  )
  const [first] = apart
  if (first === undefined) return []
  const answered = survey.nodes.filter(({ how }) => how === 'answered').length
  const offsets = apart.map(({ clockOffset_ms = 0 }) => clockOffset_ms)
  const doubt_ms = Math.max(clockTolerance_ms, ...apart.map(({ took_ms = 0 }) => took_ms))
  const areAlike = Math.max(...offsets) - Math.min(...offsets) <= 2 * doubt_ms
  const isOwn = apart.length > 1 && apart.length === answered && areAlike
  const inWords = ({ id, clockOffset_ms = 0 }: SurveyedNode): string =>
    `${id} is ${lasting(Math.abs(clockOffset_ms))} ${clockOffset_ms > 0 ? 'ahead' : 'behind'}`
  const about = isOwn ? [survey.by] : ids(apart)
  const remedied = isOwn ? 'this machine' : named(about)
  return [
    {
      id: 'clock-skew',
      severity: 'warning',
      what: isOwn
        ? `The clock of this machine (${survey.by}) differs from all others: ${named(apart.map(inWords))}.`
        : `Clocks differ: ${named(apart.map(inWords))} of this node (${survey.by}).`,
      meaning:
        'Nothing is lost for it; of two registrations of one id that knew nothing of each other the wrong one may count as the later, and times in logs, tokens with an end, and TLS suffer.',
      remedy: `Set the clock of ${remedied}: timedatectl set-ntp true.`,
      about,
    },
  ]
}

/** What no honest member causes, of this version or of a later one. */
const suspicious = [
  'bad signature',
  'content is not what its head says',
  'frame-malformed',
  'peer-shunned',
  'gossip-excess',
  'request-excess',
  'beat-excess',
] as const satisfies readonly DropReason[]

function dropped({ self }: Examined): Finding | undefined {
  const counted = suspicious.flatMap((reason) => {
    const times = self.dropped[reason] ?? 0
    return times > 0 ? [droppedInWords(reason, times)] : []
  })
  if (counted.length === 0) return undefined
  return {
    id: 'messages-dropped',
    severity: 'note',
    what: `Since its start this node has dropped messages that no well member sends: ${named(counted)}.`,
    meaning: 'A member is broken, or of a version that this one does not understand; it does no harm here.',
    remedy: 'See whether the numbers rise: rollcall status; the log names who keeps no limit.',
    about: suspicious.filter((reason) => (self.dropped[reason] ?? 0) > 0),
  }
}

function versions(examined: Examined): Finding | undefined {
  const said = living(examined).map(({ peer, software, protocol }) => ({
    name: nameOf(peer, examined),
    version: software === undefined ? 'earlier than 0.1.0 with versions' : `${software} (protocol ${protocol ?? '?'})`,
    isKnown: examined.records.has(peer),
  }))
  const byVersion = groupedBy(
    said.filter(({ isKnown }) => isKnown),
    ({ version }) => version,
  )
  if (byVersion.size < 2) return undefined
  const namesOf = (those: readonly { readonly name: string }[]): string[] => those.map(({ name }) => name)
  const parts = [...byVersion].map(([version, those]) => `${named(namesOf(those), 3)} ${version}`)
  return {
    id: 'versions-mixed',
    severity: 'note',
    what: `The nodes run different versions: ${named(parts)}.`,
    meaning: 'That works for as long as it lasts; what the newer ones can do more the older ones do not show.',
    remedy:
      'Bring the older ones up to date when it suits: rollcall leave --restart there, then start the new version.',
    about: said.map(({ name }) => name),
  }
}

function draining(examined: Examined): Finding | undefined {
  const names = living(examined).flatMap(({ peer, draining: isOn }) => (isOn ? [nameOf(peer, examined)] : []))
  if (names.length === 0) return undefined
  return {
    id: 'draining',
    severity: 'note',
    what: `${named(names)} ${names.length === 1 ? 'is' : 'are'} drained: what is registered there is in no lookup.`,
    meaning: 'Somebody is about to stop it, or has forgotten to take that back.',
    remedy: 'Take it back there: rollcall drain --undo.',
    about: names,
  }
}

function notAsked({ survey }: Examined): Finding | undefined {
  const unasked = survey.nodes.filter(({ how }) => how === 'not-asked')
  if (unasked.length === 0) return undefined
  const asked = survey.nodes.filter(({ how }) => how !== 'not-asked' && how !== 'unreachable')
  // By the loopback url of another machine whoever follows this would ask this node again, or nobody.
  const [one, ...others] = unasked.flatMap(({ id, url = '' }) =>
    /^https?:/i.test(url) && !isOfItsNode(url) ? [{ id, url }] : [],
  )
  const then = others.slice(0, elsewhereAtMost).map(({ id, url }) => `${id} (${url})`)
  return {
    id: 'not-asked',
    severity: 'note',
    what: `${asked.length} of ${count(survey.nodes.length, 'node')} were asked, this one (${survey.by}) among them; ${unasked.length} that ${unasked.length === 1 ? 'lives was' : 'live were'} not: this node is not connected with ${unasked.length === 1 ? 'it' : 'them'}.`,
    meaning:
      'That is as it should be: in a large cluster each node is connected with some alone. What the others see of each other is not in here.',
    remedy:
      one === undefined
        ? `Ask ${unasked.length === 1 ? 'it' : 'one of them'}, too, on its machine: rollcall doctor.`
        : `Ask ${one.id}, too: rollcall doctor --server ${one.url}${then.length === 0 ? '' : `; then, if it does not tell of all the rest, ${named(then)}`}.`,
    about: ids(unasked),
  }
}

function ids(nodes: readonly { readonly id: PeerId | string }[]): string[] {
  return nodes.map(({ id }) => id)
}
