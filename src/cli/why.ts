/**
 * The command for the question "why is it not there?": each record of a service or an id, visible or the reason, with what is
 * known of its daemon. It also says whether this replica can be believed. It decides nothing; the daemon has said it all, in
 * three answers.
 */
import type { Command } from 'commander'
import { type DialOutcome, dialInWords } from '../core/words/dial-words.js'
import { defaultServer, type Client, type InstanceQuery } from '../client.js'
import { didYouMean } from '../config/nearest.js'
import { readCheck } from '../core/model/check.js'
import { count } from '../core/words/count.js'
import { RegistryError } from '../core/model/errors.js'
import { lapsedAlone } from '../core/words/lapsed.js'
import { shellWord } from '../core/words/shell.js'
import type { InstanceStatus } from '../core/model/model.js'
import { shownUrl } from '../core/model/url.js'
import type { FromHere, InstanceRow, InvisibleReason, MemberState, MemberView, Readiness } from '../core/views.js'
import { nameOf, nameOfPeer } from './cluster.js'
import { answerOf, reads, withExamples, type ReadingOptions } from './command.js'
import { formatAge, formatAgo, plain } from './format.js'
import { lifetimeInWords } from './lifetime.js'
import { idMeant } from './meant.js'
import { toneOf } from './paint.js'
import { wrapLines } from './paragraph.js'
import { read } from './reading.js'
import { rememberedOf } from './remembered.js'
import type { Look } from './table.js'

/** What `why --json` prints. */
export interface WhyOutput {
  readonly query: string
  readonly visible: number
  readonly records: readonly RecordOutput[]
  /** `degraded`: it has lost sight of most of the cluster, and lookups list what was last known. */
  readonly replica: {
    readonly inStep: boolean
    readonly degraded: boolean
    readonly step: string
    readonly ready: Readiness
  }
}

export interface RecordOutput {
  readonly record: InstanceRow
  /** The daemon at which it is registered, as far as this one knows it. */
  readonly home?: {
    readonly name: string
    readonly state: MemberState
    readonly stateAge_ms: number
    readonly heardAge_ms?: number
    readonly reportedBy: readonly string[]
    readonly dial?: DialOutcome
    /** It is heard again, and alive in so long if it stays well. */
    readonly returnsIn_ms?: number
  }
  /** What to do about it, where something can be done. */
  readonly advice?: string
}

export function addWhyCommand(program: Command): void {
  const command = program.command('why').description('why a service or an instance is visible here, or is not')
  withExamples(
    reads(command)
      .argument('<slug|id>', 'the name of a service, or the id of an instance, also as tables shorten it')
      .action((query: string, options: ReadingOptions) =>
        read(options, { ask: (client) => explain(client, query), field: 'records', show }),
      ),
    ['rollcall why web', 'each record of web, and what is wrong with it'],
    ['rollcall why web --server 10.0.0.6:58231', 'as another daemon sees it'],
  )
}

async function explain(client: Client, query: string): Promise<WhyOutput> {
  const [named, { members }, peers, ready] = await Promise.all([
    recordsNamed(client, query),
    answerOf(client, client.members(), 'members'),
    answerOf(client, client.peers(), 'peers'),
    answerOf(client, client.readiness(), 'ready'),
  ])
  const all = named.length > 0 ? [] : await recordsBy(client, {})
  const rows = named.length > 0 ? named : recordsMeant(query, all)
  const { inStep, degraded, summary: step } = peers
  const readiness = { ready: ready.ready, reasons: ready.reasons, degraded: ready.degraded }
  const replica = { inStep, degraded, step, ready: readiness }
  if (rows.length === 0) {
    const remembered = await rememberedOf(client, query)
    throw new RegistryError('not-found', nothingAs(query, all, replica, remembered))
  }
  const records = rows.map((record) => recordOf(record, members, { inDoubt: degraded, server: client.server }))
  return { query, visible: rows.filter(({ visible }) => visible).length, records, replica }
}

/** A name counts before an id that is shortened, and costs no more than the records that have it. */
async function recordsNamed(client: Client, query: string): Promise<readonly InstanceRow[]> {
  const asked = [recordsBy(client, { slug: query }), recordsBy(client, { id: query })] as const
  const [ofSlug, ofId] = await Promise.all(asked)
  const all = [...ofSlug, ...ofId.filter(({ slug }) => slug !== query)]
  return all.sort((a, b) => (a.id === b.id ? 0 : a.id < b.id ? -1 : 1))
}

async function recordsBy(client: Client, query: InstanceQuery): Promise<readonly InstanceRow[]> {
  return (await answerOf(client, client.instanceRows(query), 'instances')).instances
}

/** @throws RegistryError `conflict` where several ids may be meant */
function recordsMeant(query: string, all: readonly InstanceRow[]): readonly InstanceRow[] {
  const meant = idMeant(
    query,
    all.map(({ id }) => id),
  )
  return all.filter(({ id }) => id === meant)
}

/** Nothing at all is held: misspelled, never registered, removed, or not yet here. */
function nothingAs(
  query: string,
  rows: readonly InstanceRow[],
  { inStep, step }: WhyOutput['replica'],
  remembered: string | undefined,
): string {
  const names = [...new Set(rows.flatMap(({ id, slug }) => [id, ...(slug === undefined ? [] : [slug])]))]
  const meant = remembered === undefined ? didYouMean(query, names) : `; ${remembered}`
  const doubt = inStep ? '' : `; but this replica is ${plain(step)}, so ask another daemon too (--server)`
  return `nothing is registered as ${plain(query)} here, under that slug or id${meant}${doubt}`
}

function recordOf(record: InstanceRow, members: readonly MemberView[], asked: Asked): RecordOutput {
  const member = members.find(({ peer }) => peer === record.owner)
  const known = record.visible ? adviceByStatus[record.status] : record.reason && adviceByReason[record.reason]
  const advice = known?.(record, member, asked)
  return {
    record,
    ...(member !== undefined && {
      home: {
        ...{ name: nameOf(member), state: member.state, stateAge_ms: member.stateAge_ms },
        ...(member.heardAge_ms !== undefined && { heardAge_ms: member.heardAge_ms }),
        reportedBy: member.reportedBy.map((peer) => nameOfPeer(peer, members)),
        ...(member.dial !== undefined && { dial: member.dial }),
        ...(member.returnsIn_ms !== undefined && { returnsIn_ms: member.returnsIn_ms }),
      },
    }),
    ...(advice !== undefined && { advice }),
  }
}

/** The daemon that was asked. */
interface Asked {
  readonly inDoubt: boolean
  readonly server: string
}

/** What can be done about a record, where something can; `home` is absent where its owner is no member. */
type Advice = ((record: InstanceRow, home: MemberView | undefined, asked: Asked) => string | undefined) | undefined

const adviceByStatus: Readonly<Record<InstanceStatus, Advice>> = {
  Unknown: ({ details }) =>
    details === undefined
      ? 'its node has not checked it yet; that takes some seconds'
      : 'its node could not check it, for the reason above, and tries on: nothing is known against it',
  Healthy: undefined,
  Degraded: undefined,
  Unreachable: adviceOnUnreachable,
  Error: undefined,
}

const adviceByReason: Readonly<Record<InvisibleReason, Advice>> = {
  removed: () => 'somebody removed it; register it again if that was wrong',
  superseded: () => 'the same id was registered elsewhere later, and that record counts',
  maintenance: adviceOnHidden,
  'node-restarted': () => 'its node has not confirmed it since it started again; that takes a health check',
  'node-unknown': (_, home) => home && 'its daemon has not been heard since this one started; is it running?',
  'node-hidden': (_, home) =>
    home &&
    (adviceOnReturn(home) ?? 'its daemon is not heard: it comes back by itself when it is, else it is dead soon'),
  'node-dead': (_, home, { inDoubt }) => home && (adviceOnReturn(home) ?? adviceOnDead(home, inDoubt)),
  'node-left': (_, home) => home && 'its daemon was stopped; start it again, or register the instance at another one',
}

/** Nobody is sent to the network where no check speaks against it. */
function adviceOnUnreachable({ id, url, check, details }: InstanceRow): string {
  const lapsed = lapsedAlone(details)
  if (lapsed === 'ttl')
    return `whoever registered it did not say so again in time, which says nothing of ${shownUrl(url)}: let its program register it within its ttl, or rollcall renew ${shellWord(id)}`
  if (lapsed === 'session')
    return 'the program that opened its session does not speak to its daemon any more: is it running?'
  if (readCheck(check)?.question.type === 'reported') return 'it says so itself: its node does not check it'
  return `its node cannot connect to ${shownUrl(url)}: is it running, and does it listen there?`
}

/** Whoever hides it has to take it back; the program that drains it knows why. */
function adviceOnHidden(
  { id, drainedBy = [], why }: InstanceRow,
  home: MemberView | undefined,
  { server }: Asked,
): string {
  // Others reach its peer port; its API may be for its own machine alone, whatever its url says.
  const elsewhere = `, on the machine of ${home === undefined ? 'its node' : nameOf(home)}`
  const here = server === defaultServer ? '' : ` --server ${server}`
  const there = home?.self === true ? here : elsewhere
  if (drainedBy.includes('node')) return `its node is about to stop; if that is not so: rollcall drain --undo${there}`
  const isByProgramAlone = drainedBy.length > 0 && why === 'in maintenance: draining'
  if (isByProgramAlone) return 'its program is about to stop, and is called again when it has started anew'
  return `to end that: rollcall maintenance off ${shellWord(id)}`
}

/** What it lives with is over. */
function endingLine({ what, age_ms, goesIn_ms }: NonNullable<InstanceRow['ending']>): string {
  const since = `${what} ${formatAge(age_ms)!} ago`
  return goesIn_ms === 0 ? `${since}; its record goes now` : `${since}; its record goes in ${formatAge(goesIn_ms)!}`
}

/** Crashes in a row: where it is started once more by hand that takes longer still. */
function adviceOnReturn({ returnsIn_ms }: MemberView): string | undefined {
  if (returnsIn_ms === undefined) return undefined
  return `its daemon is heard again, and this is listed in ${formatAge(returnsIn_ms)!} if it stays: twice as long with each time that it was away within ten minutes, but for goodbyes`
}

/** Nobody is told to forget a node that may live: only the refusal of its own machine says that its process is gone. */
function adviceOnDead({ nodeId, peer, dial }: MemberView, inDoubt: boolean): string {
  if (inDoubt)
    return 'this daemon sees hardly anybody, so it may be the one that is cut off: ask another one too (--server)'
  if (dial === 'refused')
    return `start its daemon again; if it will not come back: rollcall force-leave ${shellWord(nodeId ?? peer)}, and register it elsewhere`
  if (dial === 'silent')
    return `its process is frozen (suspended or stuck): look at it there (top), kill -CONT PID if it was suspended, else start it again`
  return 'its machine is off, or the line to it is cut: mended, it is back; ask a daemon near it too (--server)'
}

function show({ query, visible, records, replica }: WhyOutput, look: Look): string {
  const { paint } = look
  const tone = visible === 0 ? 'bad' : visible < records.length ? 'warn' : 'good'
  const head = `${plain(query)}: ${visible} of ${count(records.length, 'record')} visible`
  const step = replica.inStep
    ? paint('good', plain(replica.step))
    : paint('warn', `${plain(replica.step)}; see: rollcall peers`)
  const unready = replica.ready.ready ? [] : [paint('bad', `not ready: ${plain(replica.ready.reasons.join('; '))}`)]
  const lines = [
    paint(tone, head),
    ...records.flatMap((record) => ['', ...recordLines(record, look)]),
    '',
    `this daemon: ${step}`,
    ...unready,
  ]
  return wrapLines(lines, look.width)
}

function recordLines({ record, home, advice }: RecordOutput, { paint }: Look): readonly string[] {
  const { id, url, slug, status, details, visible, why, degraded } = record
  const reason = plain(why ?? 'the daemon does not say why')
  const verdict = visible
    ? `${paint('good', 'visible')}, ${paint(toneOf(status), status)}`
    : degraded === true
      ? paint('warn', `shown as degraded: ${reason}`)
      : paint('bad', `not visible: ${reason}`)
  return [
    `${paint('strong', plain(id))}  ${plain(url)}${slug === undefined ? '' : `  (${plain(slug)})`}`,
    `  ${verdict}${details === undefined ? '' : `  ${plain(details)}`}`,
    `  at ${home === undefined ? `${plain(record.nodeId ?? record.owner)}, which is no member` : homeLine(home, paint)}`,
    ...(record.fromHere === undefined ? [] : [`  from here: ${fromHereInWords(record.fromHere, paint)}`]),
    `  lifetime: ${plain(lifetimeInWords(record))}`,
    ...(record.ending === undefined ? [] : [`  ${paint('warn', endingLine(record.ending))}`]),
    ...(advice === undefined ? [] : [`  ${plain(advice)}`]),
  ]
}

function fromHereInWords({ reached, how, age_ms }: FromHere, paint: Look['paint']): string {
  const verdict =
    reached === undefined
      ? 'unknown'
      : reached
        ? paint('good', 'reached')
        : paint('bad', how === 'home' ? 'not reached' : 'not reached, so it is picked last')
  const since = age_ms === undefined ? '' : `, for ${formatAge(age_ms)!}`
  return `${verdict}: ${how === 'home' ? atHome(reached) : knownBy[how]}${since}`
}

/** Here it is checked: the word of the last check is all that there is to say. */
function atHome(reached: boolean | undefined): string {
  if (reached === undefined) return 'it is at home here, and no check says whether it is reached'
  return `it is at home here, and the last check of this daemon ${reached ? 'reached it' : 'did not'}`
}

const knownBy: Readonly<Record<Exclude<FromHere['how'], 'home'>, string>> = {
  heartbeats: 'this daemon hears its node itself',
  hearsay: 'this daemon hears of its node through others alone',
  silence: 'this daemon does not hear its node itself',
  refused: 'connections of this daemon to its node are refused',
  suspected: 'a caller of this daemon was not answered',
}

function homeLine(home: NonNullable<RecordOutput['home']>, paint: Look['paint']): string {
  const heard = home.heardAge_ms === undefined ? '' : `, last heard ${formatAgo(home.heardAge_ms)!}`
  const reported = home.reportedBy.length === 0 ? '' : `, reported by ${home.reportedBy.join(', ')}`
  // Of one that is heard again the advice says more, and a dial from before says what is so no more.
  const dial = home.dial === undefined || home.returnsIn_ms !== undefined ? '' : `; ${dialInWords[home.dial]}`
  return `${home.name}, ${paint(toneOf(home.state), home.state)} for ${formatAge(home.stateAge_ms)!}${heard}${reported}${dial}`
}
