/**
 * What a node inside a program offers, call by call.
 */
import type {
  CallOptions,
  InstanceQuery,
  Lookup,
  LookupOptions,
  NewsQuery,
  NodePick,
  PickOptions,
  Positioned,
  Registry,
  RegistrationRequest,
  WriteOptions,
} from '../client/register.js'
import type { Definition } from '../core/model/model.js'
import type {
  DigestView,
  DrainView,
  Held,
  InstanceRow,
  InstanceView,
  MemberView,
  NewsItem,
  NodeView,
  PeersView,
  PlacedNode,
  Readiness,
  SelfView,
} from '../core/views.js'
import type { NodeEvents } from './events.js'

/**
 * A registry in the memory of this very program, as one that embeds a node has it: what is read comes at once, or is thrown at once. What
 * is given cannot be changed.
 */
export interface RegistryAtOnce extends Registry {
  /** Looking moves nobody's pick. */
  lookup(slug: string, options?: LookupOptions): Lookup | undefined
  /**
   * The instance to call now: in turn, of those with the best status. Undefined where there is none. Costs a fraction of a
   * microsecond, so call it for each request. It comes without `lastHeartbeat`.
   */
  pick(slug: string, options?: PickOptions): InstanceView | undefined
  instances(query?: InstanceQuery): { readonly instances: readonly InstanceView[] } & Positioned
  instanceRows(query?: InstanceQuery): { readonly instances: readonly InstanceRow[] } & Positioned
  definitions(): { readonly definitions: readonly Definition[] }
  nodes(ids?: readonly string[]): { readonly nodes: readonly NodeView[] } & Positioned
  pickNodes(asked: NodePick): { readonly nodes: readonly PlacedNode[] }
  selfNode(): { readonly node: NodeView }
  self(): SelfView
  peers(): PeersView
  members(): { readonly members: readonly MemberView[] } & Positioned
  digest(): DigestView
  readiness(): Readiness
}

/**
 * A member of the cluster, in this program. Reads answer from memory, at once; what they give cannot be changed. Writes resolve once
 * they are on this node's disk, and reach the others by themselves. Whatever is wrong throws a `RegistryError`; after `stop` every
 * call does.
 */
export interface RollcallNode extends RegistryAtOnce, AsyncDisposable {
  /** The name that the cluster knows this node by. */
  readonly peerId: string
  /** Multiaddrs at which other nodes can `join` this one. */
  readonly addresses: readonly string[]
  /**
   * Resolves once writes are accepted, with this node's own record on disk, and what the peers hold that it has met is here, or is not
   * waited for any more: see `createNode`. Writes that come earlier wait as well; this is for programs that want to know. Later troubles
   * are in `readiness()`.
   * @throws RegistryError `unavailable` if the node stops before; the signal's reason if that aborts
   */
  ready(options?: CallOptions): Promise<void>

  /**
   * Says where a service is. Give a `url`, or its parts; all else is optional, the `id` is then made from slug and url. Registering
   * the same again changes nothing; what is not said again stays, and `null`, `''` or an empty list says that there is none. From now
   * on this node checks whether the service answers.
   * @example
   * import { createNode } from 'rollcall'
   *
   * const node = await createNode({ memory: true })
   * const { id } = await node.register({ slug: 'web', url: 'http://127.0.0.1:8080', tags: ['blue'] })
   * console.log(node.instances({ tag: 'blue' }).instances.map(({ url }) => url))
   * await node.deregister(id)
   * await node.stop()
   * @throws RegistryError `malformed`, naming the field
   */
  register(registration: RegistrationRequest, options?: WriteOptions): ReturnType<Registry['register']>
  /**
   * Hides an instance from every lookup while it goes on running, until `endMaintenance`; where it is `persistent`, also until it is
   * registered again. Callers go to the others; `rollcall why`, and `instanceRows`, tell the reason. Wherever it is asked for, its home node does it.
   * @example
   * import { createNode } from 'rollcall'
   *
   * await using node = await createNode({ memory: true })
   * const { id } = await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * await node.setMaintenance(id, 'new disk')
   * console.log(node.instances({ slug: 'web' }).instances.length) // 0
   * @throws RegistryError `not-found`; `unavailable`, naming its home node, where that cannot be reached; `malformed`
   */
  setMaintenance(id: string, reason?: string, options?: WriteOptions): Promise<Held | undefined>

  /**
   * Tells a listener of each event from now on. One that throws, or rejects, is shown as a warning of the process and does the
   * node no harm.
   * @returns ends it
   * @example
   * import { createNode } from 'rollcall'
   *
   * const node = await createNode({ memory: true })
   * const end = node.on('instance', ({ change, id, instance }) => console.log(change, id, instance?.status))
   * await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * end()
   * await node.stop()
   */
  on<Type extends keyof NodeEvents>(type: Type, listener: (event: NodeEvents[Type]) => unknown): () => void
  /**
   * News of members and instances, in order, from now on or `after` an earlier answer, until the signal aborts or the node stops; both
   * end the loop quietly. The first item, of type `listening`, says that the stream stands. A loop that falls thousands of items
   * behind gets a `reset` in place of what it missed: then read everything anew.
   * @example
   * import { createNode } from 'rollcall'
   *
   * await using node = await createNode({ memory: true })
   * const { instances, position } = node.instances({ slug: 'web' })
   * console.log(instances.length) // 0
   * await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * for await (const { event } of node.events({ slug: 'web', after: position })) {
   *   if (event.type === 'listening') continue
   *   console.log(event.type) // nothing that happened since is missed
   *   break
   * }
   */
  events(query?: NewsQuery): AsyncIterableIterator<NewsItem>

  /**
   * Hides all that is registered at this node from every lookup, everywhere, while it goes on answering and being checked: the first step
   * of stopping without a failed call. Resolves when every living node holds that, or after 2 s, which beyond nine nodes it takes, and
   * `delay` later (default: 0). It lasts until `endDrain`, or until this node has said goodbye and starts again; not a crash.
   * @example
   * import { createNode } from 'rollcall'
   *
   * const node = await createNode({ memory: true })
   * await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * console.log((await node.drain()).instances) // 1, and no node picks it any more
   * await node.stop()
   * @throws RegistryError `malformed`, naming the option; `unavailable`
   */
  drain(options?: { readonly delay?: string | number } & CallOptions): Promise<DrainView>
  /** Shows it again, but for what is in maintenance, or is drained by its own program. */
  endDrain(options?: CallOptions): Promise<void>

  /** Says goodbye, so that the others need not find out, and lets go of everything. Any number of times. */
  stop(): Promise<void>
}
