/**
 * The commands that show what a daemon thinks of its cluster: peers (the wire), members (the belief), nodes (the records). They change nothing.
 */
import { Option, type Command } from 'commander'
import { count } from '../core/words/count.js'
import { type Resource, placementLimits, resources } from '../core/lookup/placement.js'
import { dialInWords } from '../core/words/dial-words.js'
import { isNeverHeard } from '../core/words/never-heard.js'
import type { LinkFailureView, MemberView, NodeView, PeersView, PeerView } from '../core/views.js'
import type { PlacedNode } from '../core/views.js'
import { reads, withExamples, type ReadingOptions } from './command.js'
import { daemonNow } from './daemon-clock.js'
import { ageOf, formatAge, formatAgo, formatBytes, formatPercent, plain } from './format.js'
import { toneOf } from './paint.js'
import { wrapLines } from './paragraph.js'
import { read } from './reading.js'
import { renderTable, type Column, type Look } from './table.js'

export function addClusterCommands(program: Command): void {
  withExamples(
    reads(program.command('members').description('the belief: what this daemon thinks of every daemon')).action(
      (options: ReadingOptions) =>
        read(options, { ask: (client) => client.members(), field: 'members', show: members }),
    ),
    ['rollcall members -w', 'watch them come and go'],
    [`rollcall members --json | jq -r '.members[] | select(.state != "alive") | .nodeId'`, 'who is not alive'],
  )
  withExamples(
    reads(program.command('peers').description('the wire: connections, and whether this replica is in step')).action(
      (options: ReadingOptions) => read(options, { ask: (client) => client.peers(), field: 'peers', show: peers }),
    ),
    ['rollcall peers', 'the last line says whether all hold the same'],
    ['rollcall peers --server 10.0.0.6:58231', 'as another daemon sees it'],
  )
  withExamples(
    reads(program.command('nodes').description('the records: the living nodes, and how busy they are'))
      .addOption(new Option('--by <resource>', 'those with the most room of it first').choices(resources))
      .action(({ by, ...options }: ReadingOptions & { readonly by?: Resource }) =>
        by === undefined
          ? read(options, { ask: (client) => client.nodes(), field: 'nodes', show: nodes })
          : read(options, {
              ask: (client) => client.pickNodes({ by, count: placementLimits.count }),
              field: 'nodes',
              show: (answer, look) => placed(answer, by, look),
            }),
      ),
    ['rollcall nodes -w -n 5', 'every five seconds'],
    [`rollcall nodes --by memory --json | jq -r '.nodes[0].id'`, 'where there is the most room'],
  )
}

function peers({ peers: all, summary, inStep, failures = [], mdns }: PeersView, look: Look): string {
  const peers = all.filter((peer) => !isBygone(peer))
  const bygone = all.length - peers.length
  const rows = [...peers, ...failures.map(rowOf)]
  const table = rows.length === 0 ? [] : [renderTable([...peerColumns, ...softwareOf(rows)], rows, look), '']
  const unconnected = peers.filter(({ connected, lastError }) => !connected && lastError !== undefined)
  return [
    ...table,
    ...unconnected.map(({ peer, nodeId, lastError }) => `${plain(nodeId ?? peer)}: ${plain(lastError!)}`),
    ...failures.map(({ where, error, seenAge_ms }) => {
      const seen = seenAge_ms === undefined ? '' : ` (seen ${formatAgo(seenAge_ms)!})`
      return look.paint('warn', `${plain(where)}: ${plain(error)}${seen}`)
    }),
    ...peers.flatMap(({ peer, nodeId, trouble }) =>
      trouble === undefined ? [] : [look.paint('warn', `${plain(nodeId ?? peer)}: ${plain(trouble)}`)],
    ),
    ...mdnsLines(mdns).map((line) => look.paint('warn', plain(line))),
    ...(bygone === 0
      ? []
      : [look.paint('dim', `and ${count(bygone, 'peer')} of before, gone by now; --json lists all`)]),
    look.paint(inStep ? 'good' : 'warn', plain(summary)),
  ].join('\n')
}

/**
 * Nobody's member any more, and nobody is there: what is left of a temporary node that was killed is its place in the address book, where it
 * stays for five weeks, since two that have let go of each other find together again by it.
 */
function isBygone({ connected, nodeId, trouble, dial }: PeerView): boolean {
  return !connected && nodeId === undefined && trouble === undefined && (dial === 'refused' || dial === 'no-answer')
}

type PeerRow = Omit<PeerView, 'peer'> & { readonly peer?: string }

/** Who it is nobody knows, since there is no connection. */
function rowOf({ where, direction }: LinkFailureView): PeerRow {
  return { address: where, direction, connected: false, streamsHealthy: false, heartbeats: 0 }
}

/** Where peers cannot be looked for, and why. */
function mdnsLines(mdns: PeersView['mdns']): string[] {
  if (mdns?.length === 0) return ['mDNS: this machine has no network interface to ask on']
  return (mdns ?? []).flatMap(({ interface: name, family, trouble }) =>
    trouble === undefined ? [] : [`mDNS on ${name} (${family}): ${trouble}`],
  )
}

const peerColumns: readonly Column<PeerRow>[] = [
  { head: 'NODE', cell: ({ nodeId }) => nodeId, least: 18 },
  { head: 'PEER', cell: ({ peer }) => peer, least: 14, drop: 2 },
  { head: 'ADDRESS', cell: ({ address }) => address, least: 24, drop: 5 },
  { head: 'DIRECTION', cell: ({ direction }) => direction, drop: 1 },
  {
    head: 'CONNECTED',
    cell: ({ connected, connectedSince }) =>
      connected ? (formatAge(ageOf(connectedSince, daemonNow())) ?? 'yes') : 'no',
    tone: ({ connected }) => (connected ? undefined : 'bad'),
  },
  {
    head: 'ROUND TRIP',
    cell: ({ roundTrip_ms }) => (roundTrip_ms === undefined ? undefined : `${roundTrip_ms.toFixed(1)} ms`),
    drop: 6,
  },
  {
    head: 'HEARTBEATS',
    cell: ({ heartbeats, heartbeatAge_ms }) => joined(heartbeats, formatAgo(heartbeatAge_ms)),
    drop: 4,
  },
  { head: 'DIGEST', cell: digest, tone: (peer) => toneOf(digest(peer)) },
  { head: 'LAST SYNC', cell: lastSync, drop: 3 },
  { head: 'STREAMS', cell: streams, tone: (peer) => toneOf(streams(peer)) },
]

function digest({ inStep }: PeerRow): string | undefined {
  return inStep === undefined ? undefined : inStep ? 'equal' : 'differs'
}

function streams({ streamsHealthy, connected }: PeerRow): string | undefined {
  return streamsHealthy ? 'healthy' : connected ? 'broken' : undefined
}

function lastSync({ lastSyncAge_ms, lastSyncBrought = 0, lastSyncTook = 0 }: PeerRow): string | undefined {
  const ago = formatAgo(lastSyncAge_ms)
  return ago === undefined ? undefined : `${ago}, brought ${lastSyncBrought}, took ${lastSyncTook}`
}

function members({ members }: { readonly members: readonly MemberView[] }, look: Look): string {
  const doubled = [...new Set(members.filter(({ sameLabel }) => sameLabel).map(nameOf))]
  const warning = `several nodes call themselves ${doubled.join(', ')}: give each a --node-id of its own, or force-leave those that are gone`
  return [
    renderTable(memberColumns(members), members, look),
    ...(doubled.length === 0 ? [] : ['', wrapLines([look.paint('warn', warning)], look.width)]),
  ].join('\n')
}

function memberColumns(all: readonly MemberView[]): readonly Column<MemberView>[] {
  return [
    {
      head: 'NODE',
      cell: ({ nodeId, self }) => joined(nodeId ?? '-', self ? '(self)' : undefined, ' '),
      least: 24,
    },
    { head: 'PEER', cell: ({ peer }) => peer, least: 14, drop: 3 },
    {
      head: 'STATE',
      cell: ({ state, draining }) => joined(state, draining && state === 'alive' ? 'draining' : undefined),
      tone: ({ state, draining }) => (draining ? 'warn' : toneOf(state)),
    },
    { head: 'SINCE', cell: ({ stateAge_ms }) => formatAgo(stateAge_ms) },
    { head: 'HEARD', cell: ({ heardAge_ms }) => formatAgo(heardAge_ms) },
    ...(all.some(({ dial }) => dial !== undefined) ? [dialColumn] : []),
    { head: 'GENERATION', cell: ({ generation }) => String(generation), drop: 2 },
    { head: 'INCARNATION', cell: ({ incarnation }) => String(incarnation), drop: 5 },
    { head: 'VERSION', cell: ({ version }) => String(version), drop: 1 },
    ...softwareOf(all),
    { head: 'LOAD', cell: ({ load }) => formatPercent(load), drop: 4 },
    { head: 'REPORTED BY', cell: ({ reportedBy }) => reporters(reportedBy, all), least: 14 },
    { head: 'URL', cell: ({ url }) => url, least: 24, drop: 6 },
  ]
}

type Versioned = Pick<MemberView, 'software'>

/** Shown where any has told it. */
function softwareOf(all: readonly Versioned[]): readonly Column<Versioned>[] {
  if (!all.some(({ software }) => software !== undefined)) return []
  return [{ head: 'SOFTWARE', cell: ({ software }) => software, drop: 0 }]
}

const dialColumn: Column<MemberView> = { head: 'DIAL', cell: ({ dial }) => dial?.replace('-', ' '), drop: 7 }

function reporters(reportedBy: readonly string[], all: readonly MemberView[]): string | undefined {
  if (reportedBy.length > 3) return count(reportedBy.length, 'observer')
  return reportedBy.length === 0 ? undefined : reportedBy.map((peer) => nameOfPeer(peer, all)).join(', ')
}

const neverHeard = 'this node has never heard of it since its start'

/** Why a member is not there, as far as this node has found out; what it said counts before what its machine says. */
export function causeInWords(
  member: Pick<MemberView, 'state' | 'dial' | 'returnsIn_ms' | 'heardAge_ms'>,
): string | undefined {
  const { state, dial, returnsIn_ms } = member
  if (state === 'left') return 'it said goodbye'
  if (returnsIn_ms !== undefined) return `it is heard again, and back in ${formatAge(returnsIn_ms)!} if it stays`
  if (dial !== undefined) return dialInWords[dial]
  if (state !== 'hidden' && state !== 'dead') return undefined
  if (isNeverHeard(member)) return neverHeard
  return 'it fell silent: its process is frozen (suspended, or stuck), or its machine is'
}

/** How people call a member: by the label of its node, or its peer id where it has told none. */
export function nameOf({ nodeId, peer }: Pick<MemberView, 'nodeId' | 'peer'>): string {
  return plain(nodeId ?? peer)
}

export function nameOfPeer(peer: string, all: readonly MemberView[]): string {
  return nameOf(all.find((member) => member.peer === peer) ?? { peer })
}

function nodes({ nodes }: { readonly nodes: readonly NodeView[] }, look: Look): string {
  return nodes.length === 0 ? 'no nodes' : renderTable(nodeColumns, nodes, look)
}

function placed({ nodes }: { readonly nodes: readonly PlacedNode[] }, by: Resource, look: Look): string {
  const inWords = (room: number): string | undefined => {
    if (by === 'cpu') return formatPercent(room)
    return formatBytes(by === 'gpu' ? room * 2 ** 20 : room)
  }
  const columns: readonly Column<PlacedNode>[] = [
    { head: 'ROOM', cell: ({ room }) => (room === undefined ? undefined : inWords(room)) },
    { head: 'MEASURED', cell: ({ roomAge_ms }) => formatAgo(roomAge_ms), drop: 8 },
    ...nodeColumns.filter(({ head }) => head !== 'HEARTBEAT'),
  ]
  return nodes.length === 0 ? 'no nodes' : renderTable(columns, nodes, look)
}

const nodeColumns: readonly Column<NodeView>[] = [
  { head: 'NODE', cell: ({ id }) => id, least: 18 },
  { head: 'URL', cell: ({ url }) => url, least: 24 },
  { head: 'REGION', cell: ({ region }) => region, drop: 4 },
  { head: 'ZONE', cell: ({ availabilityZone }) => availabilityZone, drop: 3 },
  { head: 'HEARTBEAT', cell: ({ lastHeartbeat }) => formatAgo(ageOf(lastHeartbeat, daemonNow())), drop: 7 },
  { head: 'CPU', cell: ({ usage }) => formatPercent(usage?.cpu?.percent) },
  { head: 'MEMORY', cell: ({ usage }) => amount(usage?.memory), drop: 6 },
  { head: 'DISK', cell: ({ usage }) => amount(usage?.disk), drop: 2 },
  { head: 'GPUS', cell: ({ gpus }) => (gpus === undefined ? undefined : String(gpus.length)), drop: 5 },
]

function amount(usage: { used?: number; total?: number } | undefined): string | undefined {
  if (usage?.used === undefined || usage.total === undefined) return undefined
  return `${formatBytes(usage.used)} of ${formatBytes(usage.total)}`
}

function joined(first: string | number, second: string | undefined, separator = ', '): string {
  return second === undefined ? String(first) : `${first}${separator}${second}`
}
