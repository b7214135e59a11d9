/**
 * What a program says of how one of several instances is chosen.
 */
import type { Locality } from '../core/lookup/candidates.js'
import type { Strategy } from '../core/lookup/strategies.js'

export interface Choosing {
  /**
   * `'round-robin'` (the default): in turn, by weight. `'random'`: by weight. `'least-loaded'`: the less loaded of two that are drawn.
   * `'hash'`: the same one for the same `key`.
   */
  readonly strategy?: Strategy | undefined
  /** Those on this node, or in its zone or region, as long as at least half of them are well; fewer get what they can bear. */
  readonly prefer?: Locality | undefined
  /** Of the strategy `'hash'`: what the choice follows. When one of N instances goes, only its keys move. */
  readonly key?: string | undefined
  /** It has all of these. */
  readonly tags?: readonly string[] | undefined
  /** It says this. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** It has a port of this name: the url leads there. */
  readonly port?: string | undefined
  /** None of these ids. */
  readonly exclude?: readonly string[] | undefined
}
