/**
 * The options of a node that runs inside a program: what each is, its default, what it trades. Nothing in here reads them.
 */
import type { RegistrationRequest } from '../client/register.js'
import type { LentLog, LogLevel } from '../config/logger.js'
import type { MetricsOptions } from '../metrics/register.js'

/** Where a node keeps its key and its copy of the register. One of the two has to be said. */
export type Keeping =
  | {
      /**
       * The directory of this node alone; made where it is missing. What was acknowledged is there after a crash, and the node is
       * the same one after a restart. A copy of it on another machine is a clone, and refuses to write.
       */
      readonly dataDir: string
      readonly memory?: false
    }
  | {
      /**
       * Nothing touches the disk: each start is a new node, and its instances go with it. For tests, and for programs that
       * register themselves anew at each start; what must outlive the program belongs into a `dataDir`.
       */
      readonly memory: true
      readonly dataDir?: undefined
    }

export interface NodeSettings {
  /** Clusters of other names never mix, even on one network. Default: `default`. Another name is another, empty cluster. */
  readonly cluster?: string
  /**
   * Multiaddrs at which peers connect. Default: TCP port 58232 on every IPv4 address, or any free port where that is busy. A port
   * that is given here does not give way: `join` of others may count on it. `/ip4/127.0.0.1/tcp/0` stays within this machine.
   */
  readonly listen?: readonly string[]
  /**
   * Members to connect to: `HOST`, `HOST:PORT`, multiaddrs, or another node's `addresses`. One that answers is enough, the others are
   * learned from it. Default: none; without them only mDNS finds the cluster.
   */
  readonly join?: readonly string[]
  /** Multiaddrs to tell peers, where they reach this machine at other addresses than it sees itself (NAT). Default: its own. */
  readonly announce?: readonly string[]
  /** Find others, and be found, by multicast DNS on the local network. Default: true. Clouds and container bridges seldom carry it. */
  readonly mdns?: boolean
  /** What listings call this node, for people. Default: made from its peer id, which is what identifies it. */
  readonly nodeId?: string
  /**
   * The url of this node in listings: that of your program, if it has one. Default: `rollcall://` and the peer id, since a node in
   * a program answers no HTTP.
   */
  readonly url?: string
  /**
   * What this program registers of itself, in the first version that the others see of it: a restart leaves no gap. Once
   * `createNode` has resolved it is in this node's own lookups, or there was a `warning` that it was refused. As with `register`, it lives with this start of the program unless it says `lifetime: 'persistent'`.
   */
  readonly register?: readonly RegistrationRequest[]
  /** Published with the node: what `prefer` and `pickNodes` go by. Default: none. */
  readonly region?: string
  /** Published with the node (as `availabilityZone`): what `prefer` and `pickNodes` go by, and of instances that name none. Default: none. */
  readonly zone?: string
  /**
   * The key that all members share: the path of its file, which nobody else may read, or its content (see `generateClusterKey`).
   * Default: none, and then everybody on the network can join and change the register.
   */
  readonly clusterKey?: string | Uint8Array
  /** Your own logger: pino's, `console`, or anything with their methods. Default: nothing is logged. */
  readonly log?: LentLog
  /** Instead of `log`: write to standard error, from this level on. Default: nothing is logged. */
  readonly logLevel?: LogLevel
  /**
   * Shows the metrics of this node, and of the calls that this program makes through it, in a `Registry` of prom-client, until it has
   * stopped. One register for each node. Default: counted all the same, and shown nowhere.
   */
  readonly metrics?: MetricsOptions
  /** Aborting it stops the node, at any time; a start that is under way rejects with the reason. */
  readonly signal?: AbortSignal
}

export type NodeOptions = NodeSettings & Keeping
