/**
 * What the names of the DNS, in which case does not count, stand for among all that is known here.
 */
import type { InstanceRecord, NodeRecord } from './model.js'
import type { RegistryState } from './state.js'

/** A node as whoever looks for it by its id finds it. */
export interface NamedNode {
  readonly record: NodeRecord
  /** It is this one. */
  readonly isHere: boolean
}

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

  /** The living nodes with that id. @param name in small letters */
  nodes(name: string): readonly NamedNode[] {
    const { self, liveness, records } = this.#state
    return [...records.union.nodes()]
      .filter(([, { id }]) => id.length === name.length && id.toLowerCase() === name)
      .filter(([owner]) => owner === self || liveness.membership.member(owner)?.state === 'alive')
      .map(([owner, record]) => ({ record, isHere: owner === self }))
  }

  /** This node; undefined before it has said anything. */
  get self(): NamedNode | undefined {
    const record = this.#state.records.union.node(this.#state.self)
    return record && { record, isHere: true }
  }
}
