/**
 * The command that shows on one screen how things are: this daemon, its cluster, its instances. Whatever is wrong is said in
 * words, with the command that tells more.
 */
import type { Command } from 'commander'
import type { DialOutcome } from '../core/words/dial-words.js'
import type { Client } from '../client.js'
import { count } from '../core/words/count.js'
import { droppedInWords } from '../core/words/dropped-words.js'
import { messageOf, RegistryError } from '../core/model/errors.js'
import { instanceStatuses } from '../core/model/model.js'
import { type InstanceCounts, memberStates, type MemberState, type MemberView, type SelfView } from '../core/views.js'
import { isWrong, type Finding } from '../core/doctor/findings.js'
import { causeInWords, nameOf } from './cluster.js'
import { answerOf, exitCodes, reads, withExamples, type ReadingOptions } from './command.js'
import { formatAge, plain } from './format.js'
import { toneOf } from './paint.js'
import { wrapLines } from './paragraph.js'
import { read } from './reading.js'
import type { Look } from './table.js'

/** What `status --json` prints. */
export interface StatusOutput {
  readonly self: SelfView
  readonly inStep: boolean
  /** It has lost sight of most of the cluster: then the exit code is 3, as where it is not ready. */
  readonly degraded: boolean
  /** One line for people: `in step with 2 of 2 peers`. */
  readonly step: string
  /** How many members are in each state; states without any are left out. */
  readonly members: Partial<Record<MemberState, number>>
  /** Those not alive, by name. */
  readonly missing: readonly {
    readonly name: string
    readonly state: MemberState
    readonly stateAge_ms: number
    readonly outOfSight_ms?: number
    readonly returnsIn_ms?: number
    readonly dial?: DialOutcome
  }[]
  /** What the doctor finds wrong, worst first; absent where the daemon has none. */
  readonly findings?: readonly Finding[]
  /** Why the doctor could not be asked. */
  readonly undiagnosed?: string
  readonly instances: InstanceCounts
}

export function addStatusCommand(program: Command): void {
  withExamples(
    reads(program.command('status').description('on one screen: this daemon, its cluster, its instances')).action(
      (options: ReadingOptions) => read(options, { ask: gather, field: 'self', show, exitCode }),
    ),
    ['rollcall status -w', 'keep an eye on it'],
    ['rollcall status --json | jq .inStep', 'for monitoring'],
    ['rollcall status > /dev/null', 'exit code 3: not reachable, not ready, or in doubt'],
  )
}

async function gather(client: Client): Promise<StatusOutput> {
  const [self, peers, { members }, instances, diagnosis] = await Promise.all([
    answerOf(client, client.self(), 'nodeId'),
    answerOf(client, client.peers(), 'peers'),
    answerOf(client, client.members(), 'members'),
    counts(client),
    diagnosed(client),
  ])
  return {
    ...{ self, inStep: peers.inStep, degraded: peers.degraded, step: peers.summary },
    members: tally(members.map(({ state }) => state)),
    missing: members.filter(({ state }) => state !== 'alive').map(missing),
    ...diagnosis,
    instances,
  }
}

/** A daemon of an earlier version is asked for all of them, and they are counted here. */
async function counts(client: Client): Promise<InstanceCounts> {
  try {
    return await client.instanceCounts()
  } catch (error) {
    if (!isOfEarlier(error)) throw error
  }
  const { instances } = await answerOf(client, client.instanceRows(), 'instances')
  const visible = instances.filter((row) => row.visible)
  const ids = new Set(instances.map(({ id }) => id))
  return { visible: tally(visible.map(({ status }) => status)), notVisible: ids.size - visible.length }
}

function isOfEarlier(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'not-found'
}

/** What the doctor cannot say is said, and is no reason to be silent of all the rest. */
async function diagnosed(client: Client): Promise<Pick<StatusOutput, 'findings' | 'undiagnosed'>> {
  try {
    return { findings: (await answerOf(client, client.doctor(), 'findings')).findings.filter(isWrong) }
  } catch (error) {
    return isOfEarlier(error) ? {} : { undiagnosed: messageOf(error) }
  }
}

function missing(member: MemberView): StatusOutput['missing'][number] {
  const { state, stateAge_ms, outOfSight_ms, returnsIn_ms, dial } = member
  return {
    ...{ name: nameOf(member), state, stateAge_ms },
    ...(outOfSight_ms !== undefined && { outOfSight_ms }),
    ...(returnsIn_ms !== undefined && { returnsIn_ms }),
    ...(dial !== undefined && { dial }),
  }
}

function tally<Word extends string>(words: readonly Word[]): Partial<Record<Word, number>> {
  const counts: Partial<Record<Word, number>> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

function exitCode({ degraded, self }: StatusOutput): number {
  return degraded || !self.ready.ready ? exitCodes.inDoubt : exitCodes.fine
}

function show(status: StatusOutput, { paint, width }: Look): string {
  const { self, inStep, step, members, instances } = status
  const { ready, dropped } = self
  const readiness = readinessOf(ready, paint)
  const lines: readonly (readonly [string, string])[] = [
    ['node', `${paint('strong', plain(self.nodeId))}  ${plain(self.url)}`],
    ['daemon', `${readiness}, up ${formatAge(self.uptime_ms)!}, version ${plain(self.version)}`],
    // Sentences of others have lines of their own: what follows one of them reads as its end.
    ...ready.reasons.map((reason) => ['', paint('bad', plain(reason))] as const),
    ['cluster', plain(self.cluster)],
    ['members', counted(memberStates, members, paint)],
    ...missingLines(status, paint).map((line) => ['', line] as const),
    ['instances', instancesLine(instances, paint)],
    ...(self.http === undefined ? [] : [['page', `${plain(self.http)}/ui`] as const]),
    ['replica', paint(inStep ? 'good' : 'warn', plain(step)) + (inStep ? '' : '; see: rollcall peers')],
    ...droppedLine(dropped),
    ...findingLines(status.findings ?? [], paint),
    ...(status.undiagnosed === undefined
      ? []
      : [['wrong', paint('warn', `cannot be told: ${plain(status.undiagnosed)}; see: rollcall doctor`)] as const]),
  ]
  const shown = lines.map(([head, text]) => `${paint('dim', head.padEnd(headWidth))}${text}`)
  return wrapLines(shown, width, headWidth)
}

function readinessOf({ ready, alone, behind }: StatusOutput['self']['ready'], paint: Look['paint']): string {
  if (!ready) return paint('bad', 'not ready')
  if (alone) return paint('warn', 'ready, alone: nobody was reached')
  return behind ? paint('warn', 'ready, without all that others hold') : paint('good', 'ready')
}

const missingShown = 8
const headWidth = 11

function counted<Word extends string>(
  order: readonly Word[],
  counts: Partial<Record<Word, number>>,
  paint: Look['paint'],
): string {
  const present = order.filter((word) => (counts[word] ?? 0) > 0)
  return present.map((word) => paint(toneOf(word), `${counts[word]} ${word}`)).join(', ') || 'none'
}

/** That all are out of sight at once is said once: it is no news of each of them, but where a machine has answered that nobody is there. */
function missingLines({ missing, members, degraded }: StatusOutput, paint: Look['paint']): string[] {
  const out = missing.filter(({ state }) => state === 'hidden' || state === 'dead')
  // Where a machine answers the dial this one is not cut off from it.
  const isReached = out.some(({ dial }) => dial === 'refused' || dial === 'silent')
  const isCutOff = degraded && out.length > 1 && (members.alive ?? 0) <= 1 && !isReached
  const told = isCutOff ? missing.filter((one) => !out.includes(one)) : missing
  const names = out.map(({ name }) => name)
  return [
    ...(isCutOff
      ? [paint('bad', `all ${count(out.length, 'other')} at once, which points to this machine: ${listed(names)}`)]
      : []),
    ...told.slice(0, missingShown).map((one) => missingLine(one, paint)),
    ...(told.length > missingShown ? ['and more: rollcall members'] : []),
  ]
}

function listed(names: readonly string[]): string {
  const more = names.length - missingShown
  return `${names.slice(0, missingShown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function missingLine(one: StatusOutput['missing'][number], paint: Look['paint']): string {
  const { name, state, stateAge_ms, outOfSight_ms } = one
  const age =
    outOfSight_ms === undefined ? `for ${formatAge(stateAge_ms)!}` : `out of sight for ${formatAge(outOfSight_ms)!}`
  const cause = causeInWords(one)
  return `${paint(toneOf(state), state)}${outOfSight_ms === undefined ? '' : ','} ${age}: ${name}${cause === undefined ? '' : ` (${cause})`}`
}

/** What stands above already. */
const saidAbove: ReadonlySet<Finding['id']> = new Set(['node-gone', 'not-ready'])
const findingsShown = 4

function findingLines(
  findings: readonly Finding[],
  paint: Look['paint'],
): readonly (readonly [head: string, text: string])[] {
  const told = findings.filter(({ id }) => !saidAbove.has(id))
  const lines = told
    .slice(0, findingsShown)
    .map(({ severity, what }) => paint(severity === 'error' ? 'bad' : 'warn', plain(what)))
  const more = told.length - lines.length
  const end = more > 0 ? `and ${more} more; what to do: rollcall doctor` : 'what to do: rollcall doctor'
  if (told.length === 0) return findings.length === 0 ? [] : [['see', 'rollcall doctor']]
  return [...lines, end].map((text, i) => [i === 0 ? 'wrong' : '', text] as const)
}

function instancesLine({ visible, notVisible }: StatusOutput['instances'], paint: Look['paint']): string {
  const hidden = notVisible === 0 ? '' : `; ${notVisible} not visible: rollcall instances --all says why`
  return counted(instanceStatuses, visible, paint) + hidden
}

function droppedLine(dropped: SelfView['dropped']): readonly (readonly [string, string])[] {
  const reasons = Object.entries(dropped).filter(([, times]) => times > 0)
  if (reasons.length === 0) return []
  return [
    [
      'dropped',
      reasons.map(([reason, times]) => `${plain(droppedInWords(reason, times))} [${plain(reason)}]`).join('; '),
    ],
  ]
}
