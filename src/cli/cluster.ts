/**
 * The commands that show what a daemon thinks of its cluster: peers (the wire), members (the belief), nodes (the records). They change nothing.
 */
import type { Command } from 'commander'
import type { MemberView, NodeView } from '../core/views.js'
import type { PeerView } from '../core/views.js'
import { clientOf, printJson, printLines, reads, terminalWidth, type ReadingOptions } from './command.js'
import { ageOf, formatAge, formatAgo, formatBytes, formatPercent, plain, renderTable, type Column } from './format.js'

export function addClusterCommands(program: Command): void {
  reads(program.command('peers').description('connections to other daemons, and whether this one is in step')).action(
    showPeers,
  )
  reads(program.command('members').description('what this daemon believes of every daemon')).action(showMembers)
  reads(program.command('nodes').description('the nodes that are alive')).action(showNodes)
}

async function showPeers(options: ReadingOptions): Promise<void> {
  const answer = await clientOf(options).peers()
  if (options.json) return printJson(answer)
  if (answer.peers.length > 0) printLines(renderTable(peerColumns, answer.peers, terminalWidth()), '')
  const failures = answer.peers.filter(({ connected, lastError }) => !connected && lastError !== undefined)
  for (const { peer, nodeId, lastError } of failures) printLines(`${nodeId ?? peer}: ${plain(lastError!)}`)
  printLines(plain(answer.summary))
}

const peerColumns: readonly Column<PeerView>[] = [
  { head: 'NODE', cell: ({ nodeId }) => nodeId },
  { head: 'PEER', cell: ({ peer }) => peer, shrinks: true },
  { head: 'ADDRESS', cell: ({ address }) => address, shrinks: true },
  { head: 'DIRECTION', cell: ({ direction }) => direction },
  {
    head: 'CONNECTED',
    cell: ({ connected, connectedSince }) => (connected ? (formatAge(ageOf(connectedSince)) ?? 'yes') : 'no'),
  },
  {
    head: 'ROUND TRIP',
    cell: ({ roundTrip_ms }) => (roundTrip_ms === undefined ? undefined : `${roundTrip_ms.toFixed(1)} ms`),
  },
  { head: 'HEARTBEATS', cell: ({ heartbeats, heartbeatAge_ms }) => joined(heartbeats, formatAgo(heartbeatAge_ms)) },
  { head: 'DIGEST', cell: ({ inStep }) => (inStep === undefined ? undefined : inStep ? 'equal' : 'differs') },
  { head: 'LAST SYNC', cell: lastSync },
  {
    head: 'STREAMS',
    cell: ({ streamsHealthy, connected }) => (streamsHealthy ? 'healthy' : connected ? 'broken' : undefined),
  },
]

function lastSync({ lastSyncAge_ms, lastSyncBrought = 0, lastSyncTook = 0 }: PeerView): string | undefined {
  const ago = formatAgo(lastSyncAge_ms)
  return ago === undefined ? undefined : `${ago}, brought ${lastSyncBrought}, took ${lastSyncTook}`
}

async function showMembers(options: ReadingOptions): Promise<void> {
  const answer = await clientOf(options).members()
  if (options.json) return printJson(answer)
  printLines(renderTable(memberColumns, answer.members, terminalWidth()))
  const doubled = answer.members.filter(({ sameLabel }) => sameLabel)
  if (doubled.length > 0) printLines('', `several nodes call themselves ${[...new Set(doubled.map(label))].join(', ')}`)
}

const memberColumns: readonly Column<MemberView>[] = [
  { head: 'NODE', cell: ({ nodeId, self }) => joined(nodeId ?? '-', self ? '(this one)' : undefined, ' ') },
  { head: 'PEER', cell: ({ peer }) => peer, shrinks: true },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'SINCE', cell: ({ stateAge_ms }) => formatAge(stateAge_ms) },
  { head: 'HEARD', cell: ({ heardAge_ms }) => formatAgo(heardAge_ms) },
  { head: 'GENERATION', cell: ({ generation }) => String(generation) },
  { head: 'INCARNATION', cell: ({ incarnation }) => String(incarnation) },
  { head: 'VERSION', cell: ({ version }) => String(version) },
  { head: 'LOAD', cell: ({ load }) => formatPercent(load) },
  {
    head: 'REPORTED BY',
    cell: ({ reportedBy: { length } }) =>
      length === 0 ? undefined : `${length} ${length === 1 ? 'observer' : 'observers'}`,
  },
  { head: 'URL', cell: ({ url }) => url, shrinks: true },
]

function label({ nodeId, peer }: MemberView): string {
  return plain(nodeId ?? peer)
}

async function showNodes(options: ReadingOptions): Promise<void> {
  const answer = await clientOf(options).nodes()
  if (options.json) return printJson(answer)
  printLines(answer.nodes.length === 0 ? 'no nodes' : renderTable(nodeColumns, answer.nodes, terminalWidth()))
}

const nodeColumns: readonly Column<NodeView>[] = [
  { head: 'NODE', cell: ({ id }) => id, shrinks: true },
  { head: 'URL', cell: ({ url }) => url, shrinks: true },
  { head: 'REGION', cell: ({ region }) => region },
  { head: 'ZONE', cell: ({ availabilityZone }) => availabilityZone },
  { head: 'HEARTBEAT', cell: ({ lastHeartbeat }) => formatAgo(ageOf(lastHeartbeat)) },
  { head: 'CPU', cell: ({ usage }) => formatPercent(usage?.cpu?.percent) },
  { head: 'MEMORY', cell: ({ usage }) => amount(usage?.memory) },
  { head: 'DISK', cell: ({ usage }) => amount(usage?.disk) },
  { head: 'GPUS', cell: ({ gpus }) => (gpus === undefined ? undefined : String(gpus.length)) },
]

function amount(usage: { used?: number; total?: number } | undefined): string | undefined {
  if (usage?.used === undefined || usage.total === undefined) return undefined
  return `${formatBytes(usage.used)} of ${formatBytes(usage.total)}`
}

function joined(first: string | number, second: string | undefined, separator = ', '): string {
  return second === undefined ? String(first) : `${first}${separator}${second}`
}
