/**
 * What the DNS door asks of a daemon; the daemon implements it, nothing here does anything.
 */
import type { Listed } from '../core/lookup/chooser.js'
import type { InstanceRecord } from '../core/model/model.js'
import type { InstanceView } from '../core/views.js'
import type { Address } from './names.js'

/** A node as it is found by its id. */
export interface NodePlace {
  readonly url: string
  /** Multiaddrs at which its peers find it. */
  readonly addresses: readonly string[]
  /** It is this one: loopback leads there. */
  readonly isHere: boolean
}

/** The register, as it is at the moment of asking. */
export interface RegisterView {
  /** What is answered is the register of the cluster. */
  readonly ready: boolean
  /** Last-known instances are listed: most of the cluster is out of sight. */
  readonly degraded: boolean
  /** The slugs that have this name in the DNS, where case does not count. */
  slugs(name: string): readonly string[]
  /** What a pick chooses from; another object as soon as that changes. Undefined where no record has that slug. */
  listed(slug: string): Listed<InstanceView> | undefined
  /** Every record of a slug that counts, whether or not it is shown. */
  records(slug: string): readonly Pick<InstanceRecord, 'tags' | 'ports'>[]
  /** Whether that instance is at home here: to others, its loopback url leads nowhere. */
  isHome(id: string): boolean
  /** The living nodes whose id, in small letters, that is. */
  nodes(name: string): readonly NodePlace[]
  /** This one; undefined before it has said anything. */
  readonly here: NodePlace | undefined
}

/**
 * What a name of somebody else stands for, as far as that is known by now: `unknown` where nobody has been asked yet, `silent` where
 * nobody has answered.
 */
export type FindAddresses = (host: string) => readonly Address[] | 'unknown' | 'silent'
