/**
 * The answers to lookups as bytes, kept for as long as they say the same: reading is what a registry is asked for most.
 * What decides that is the version that the daemon gives with each slug; nothing here guesses.
 */
import { RegistryError } from '../core/errors.js'
import type { InstanceView } from '../core/views.js'
import type { RegistryService } from './service.js'
import { showInstance } from './show.js'

/** How old the moments of heartbeats in an answer may be: a heartbeat comes once in so long. */
const keep_ms = 1000

/** The instances of one version of one slug. */
interface Kept {
  readonly until: number
  readonly byId: ReadonlyMap<string, Buffer>
  /** The JSON of the list of all. */
  readonly list: Buffer
  readonly degraded: boolean
}

export class LookupAnswers {
  readonly #service: RegistryService
  readonly #now: () => number
  /** A version that nobody can ask for any more takes its bytes with it. */
  readonly #lookups = new WeakMap<object, Kept>()
  readonly #lists = new WeakMap<object, Kept>()

  /** @param now milliseconds on a clock that never steps */
  constructor(service: RegistryService, now = () => performance.now()) {
    this.#service = service
    this.#now = now
  }

  /**
   * The JSON of `service.lookup(slug)`.
   * @throws RegistryError `not-found` where no record has that slug
   */
  lookup(slug: string): Buffer {
    const version = this.#service.version(slug, true)
    const kept = version === undefined ? undefined : this.#fresh(this.#lookups, version)
    if (kept !== undefined) return lookupBytes(slug, kept, this.#service.pick(slug))
    const { instances, picked, degraded } = this.#service.lookup(slug)
    const made = this.#make(instances, degraded)
    if (version !== undefined) this.#lookups.set(version, made)
    return lookupBytes(slug, made, picked?.id)
  }

  /** The JSON of `service.instances(slug)`, as listInstances answers it. */
  list(slug: string): Buffer {
    const version = this.#service.version(slug, false)
    const kept = version === undefined ? undefined : this.#fresh(this.#lists, version)
    if (kept !== undefined) return listBytes(kept)
    const made = this.#make(this.#service.instances(slug), false)
    if (version !== undefined) this.#lists.set(version, made)
    return listBytes(made)
  }

  #fresh(cache: WeakMap<object, Kept>, version: object): Kept | undefined {
    const kept = cache.get(version)
    return kept !== undefined && this.#now() < kept.until ? kept : undefined
  }

  #make(instances: readonly InstanceView[], degraded: boolean): Kept {
    const texts = instances.map((view) => JSON.stringify(showInstance(view)))
    return {
      until: this.#now() + keep_ms,
      byId: new Map(texts.map((text, i) => [(instances[i] as InstanceView).id, Buffer.from(text)])),
      list: Buffer.from(`[${texts.join(',')}]`),
      degraded,
    }
  }
}

const listHead = Buffer.from('{"instances":')
const listTail = Buffer.from('}')

function listBytes({ list }: Kept): Buffer {
  return Buffer.concat([listHead, list, listTail])
}

function lookupBytes(slug: string, { byId, list, degraded }: Kept, picked: string | undefined): Buffer {
  const head = Buffer.from(`{"slug":${JSON.stringify(slug)},"instances":`)
  const tail = Buffer.from(`,"degraded":${String(degraded)}}`)
  if (picked === undefined) return Buffer.concat([head, list, tail])
  const instance = byId.get(picked)
  if (instance === undefined) throw new RegistryError('internal', `lookup: picked ${picked}, which is not listed`)
  return Buffer.concat([head, list, pickedHead, instance, tail])
}

const pickedHead = Buffer.from(',"picked":')
