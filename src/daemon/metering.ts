/**
 * The metrics of a node, joined to what they count: what passes its core, what comes to its doors.
 */
import type { DocumentSize } from '../core/doctor/examined.js'
import type { Registry } from '../core/registry.js'
import type { StoredState } from '../io/storage/storage.js'
import { DoorCounts } from '../metrics/doors.js'
import { Meter } from '../metrics/meter.js'
import { nodeMetrics, type NodeMetricsParts } from '../metrics/node.js'
import type { Metric } from '../metrics/samples.js'

export interface MeteringParts extends Pick<NodeMetricsParts, 'now' | 'readiness' | 'dropped' | 'bySlug'> {
  readonly registry: Registry
  readonly stored: StoredState
  /** Absent: it has no doors yet. */
  readonly doors: DoorCounts | undefined
}

export interface Metering {
  readonly meter: Meter
  readonly doors: DoorCounts
  /** All of them. */
  readonly metrics: readonly Metric[]
  /** What each document held takes on disk, against what it says. */
  documents(): readonly DocumentSize[]
}

export function meteringOf({ stored, doors = new DoorCounts(), ...parts }: MeteringParts): Metering {
  const { figures } = parts.registry
  const meter = new Meter({ figures, documents: stored.documents, now: () => parts.now().now })
  return {
    ...{ meter, doors, metrics: nodeMetrics({ ...parts, meter, doors }) },
    documents: () =>
      [...figures.documents()].map(([owner, { bytes }]) => ({
        owner,
        live_bytes: bytes,
        bytes: meter.storedOf(owner),
      })),
  }
}
