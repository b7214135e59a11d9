/**
 * What the names of the DNS, in which case does not count, stand for among all that is known here.
 */
import type { InstanceRecord, NodeRecord } from './model/model.js'
import type { RegistryState } from './state.js'

/** A node as whoever looks for it by its id finds it. */
export interface NamedNode {
  readonly record: NodeRecord
  /** It is this one. */
  readonly isHere: boolean
}

/** Of one id, which is meant to be one node's: whoever copies it to more is told of it elsewhere. */
const nodesTold = 16

export class ByName {
  readonly #state: RegistryState

  constructor(state: RegistryState) {
    this.#state = state
  }

  /** @param name as `dnsNameOf` gives it */
  slugs(name: string): readonly string[] {
    return this.#state.index.spelledAs(name)
  }

  /** Every record of a slug that counts, visible or not. */
  records(slug: string): readonly InstanceRecord[] {
    return this.#state.index.records(slug)
  }

  /** Whether an instance is at home here. */
  isHome(id: string): boolean {
    return this.#state.index.find(id)?.owner === this.#state.self
  }

  /** The living nodes with that id, sixteen at most. @param name in small letters */
  nodes(name: string): readonly NamedNode[] {
    const { self, liveness, records } = this.#state
    const found: NamedNode[] = []
    for (const owner of records.union.nodesNamed(name)) {
      if (owner !== self && liveness.membership.member(owner)?.state !== 'alive') continue
      const record = records.union.node(owner)
      if (record !== undefined) found.push({ record, isHere: owner === self })
      if (found.length === nodesTold) break
    }
    return found
  }

  /** This node; undefined before it has said anything. */
  get self(): NamedNode | undefined {
    const record = this.#state.records.union.node(this.#state.self)
    return record && { record, isHere: true }
  }
}
