/**
 * All metrics of a node, in one table: their names are what dashboards rely on.
 */
import { packageVersion, protocolVersion } from '../config/version.js'
import type { Moment } from '../core/effects.js'
import type { Registry } from '../core/registry.js'
import type { Readiness } from '../core/views.js'
import type { DoorCounts } from './doors.js'
import { droppedMessages, failedHandshakes } from './dropped.js'
import type { Meter } from './meter.js'
import type { Metric, Sample } from './samples.js'
import { servicesBy } from './services.js'

export interface NodeMetricsParts {
  readonly registry: Pick<Registry, 'figures'>
  readonly meter: Meter
  readonly doors: DoorCounts
  readonly now: () => Moment
  readonly readiness: () => Readiness
  /** What was dropped, by reason. */
  readonly dropped: () => Readonly<Record<string, number>>
  /** Whether services are told apart. */
  readonly bySlug: boolean
}

export function nodeMetrics(parts: NodeMetricsParts): Metric[] {
  return [...clusterMetrics(parts), ...serviceMetrics(parts), ...workMetrics(parts), ...trafficMetrics(parts)]
}

function clusterMetrics({ registry: { figures }, meter, now, readiness }: NodeMetricsParts): Metric[] {
  const isReady = (): boolean => readiness().ready
  const inDoubt = (): boolean => readiness().degraded
  return [
    gauge('ready', 'Whether this node serves the register of the cluster, and takes writes', () => Number(isReady())),
    gauge('in_doubt', 'Whether this node has lost sight of most of the cluster: it lists what it last knew', () =>
      Number(inDoubt()),
    ),
    {
      ...of('gauge', 'members', 'Nodes by what this one believes of them, itself included'),
      read: () => labelledBy('state', figures.members()),
    },
    gauge(
      'members_out_of_step_seconds',
      'For how long a neighbour has held something else than this node, of several the longest; 0 where all agree',
      () => figures.outOfStep_ms(now()) / 1000,
    ),
    {
      ...of('counter', 'member_hidings_total', 'Nodes taken out of the lookups here: dead they were, or alive'),
      read: () => meter.hidings.read(),
    },
    histogram('heartbeat_gap_seconds', 'Between two heartbeats of a node that sends them here', (name) =>
      meter.heartbeatGaps.read(name),
    ),
    {
      ...of('gauge', 'build_info', 'What runs here'),
      read: () => [{ labels: { version: packageVersion, protocol: String(protocolVersion) }, value: 1 }],
    },
  ]
}

function serviceMetrics({ registry: { figures }, meter, bySlug }: NodeMetricsParts): Metric[] {
  return [
    {
      ...of(
        'gauge',
        'services',
        'Services of the whole cluster, by how many of the instances meant to be called can be',
      ),
      read: () => servicesBy(figures.services(), bySlug),
    },
    {
      ...of('gauge', 'instances', 'Instances registered at this node, by status'),
      read: () => labelledBy('status', figures.ownInstances()),
    },
    {
      ...of('counter', 'instance_status_changes_total', 'Changes of the status of instances registered at this node'),
      read: () => meter.statusChanges.read(),
    },
    {
      ...of('counter', 'checks_total', 'Health checks by this node, by what each found'),
      read: () => meter.checks.read(),
    },
    histogram('check_delay_seconds', 'How late health checks began, against their schedule', (name) =>
      meter.checkDelays.read(name),
    ),
    gauge('sessions', 'Programs that have a session at this node', () => figures.sessions),
  ]
}

function workMetrics({ registry: { figures }, meter, doors }: NodeMetricsParts): Metric[] {
  return [
    histogram('commit_duration_seconds', 'Until what was written here was on the disk', (name) =>
      meter.commits.read(name),
    ),
    {
      ...of('counter', 'writes_rejected_total', 'Writes that this node did not take'),
      read: () => meter.rejections.read(),
    },
    { ...of('counter', 'lookups_total', 'Lookups, picks, by the way they came'), read: () => doors.readLookups() },
    histogram('http_request_duration_seconds', 'Until a call was answered; streams do not count', (name) =>
      doors.readRequests(name),
    ),
    gauge('documents', 'Documents held, one of each node', () => figures.held().documents),
    gauge('entries', 'Entries in all documents held', () => figures.held().entries),
    gauge('bytes', 'Of all documents on disk, with what was there before', () => meter.stored_bytes),
    gauge('bytes_over_live_bytes', 'Of all documents on disk, against the bytes of what they say now', () => {
      return meter.stored_bytes / Math.max(1, figures.held().live_bytes)
    }),
  ]
}

function trafficMetrics({ meter, dropped }: NodeMetricsParts): Metric[] {
  const planes = Object.entries(meter.traffic)
  return [
    ...planes.flatMap(([plane, { messages, bytes }]): Metric[] => [
      { ...of('counter', `${plane}_messages_total`, `Messages of ${plane}, each way`), read: () => messages.read() },
      { ...of('counter', `${plane}_bytes_total`, `Bytes of ${plane}, each way`), read: () => bytes.read() },
    ]),
    {
      ...of('counter', 'messages_dropped_total', 'What was thrown away, since it was wrong, or too much'),
      read: () => droppedMessages(dropped()),
    },
    {
      ...of('counter', 'handshake_failures_total', 'Connections from outside that did not become those of a node'),
      read: () => failedHandshakes(dropped()),
    },
  ]
}

function of<Type extends Metric['type']>(type: Type, name: string, help: string) {
  return { name: `rollcall_${name}`, type, help }
}

function gauge(name: string, help: string, read: () => number): Metric {
  return { ...of('gauge', name, help), read: () => [{ labels: {}, value: read() }] }
}

function histogram(name: string, help: string, read: (name: string) => readonly Sample[]): Metric {
  const head = of('histogram', name, help)
  return { ...head, read: () => read(head.name) }
}

function labelledBy(label: string, figures: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(figures).map(([value, count]) => ({ labels: { [label]: value }, value: count }))
}
