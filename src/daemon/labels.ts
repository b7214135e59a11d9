/**
 * What each node has called itself in this run, with its place then: of two daemons with one key now one is heard, now the other, under its own
 * name. It decides nothing.
 */
import { BoundedMap } from '../core/basics/bounded-map.js'
import type { RegistryEvent } from '../core/effects.js'
import type { Label } from '../core/link-views.js'
import type { NodeRecord, PeerId } from '../core/model/model.js'

const nodesKept = 4096
const labelsOfOne = 4

export class Labels {
  readonly #recordOf: (peer: PeerId) => NodeRecord | undefined
  readonly #byPeer = new BoundedMap<PeerId, readonly Label[]>(nodesKept)

  constructor(recordOf: (peer: PeerId) => NodeRecord | undefined) {
    this.#recordOf = recordOf
  }

  heard(event: RegistryEvent): void {
    if (event.type === 'member') this.look(event.peer)
  }

  /** What it calls itself now counts, too. */
  look(peer: PeerId): void {
    const record = this.#recordOf(peer)
    if (record === undefined) return
    const { id, addresses = [] } = record
    const known = this.#byPeer.get(peer) ?? []
    if (known.some((label) => label.id === id) || known.length >= labelsOfOne) return
    const [address] = addresses
    this.#byPeer.set(peer, [...known, { id, ...(address !== undefined && { address }) }])
  }

  /** First what it did first; undefined of one that has always called itself the same. */
  of(peer: PeerId): readonly Label[] | undefined {
    const known = this.#byPeer.get(peer)
    return known === undefined || known.length < 2 ? undefined : known
  }
}
