/**
 * What a registry for tests offers beside what every registry does.
 */
import type { RegistryAtOnce } from '../node/interface.js'
import type { Answering } from './services.js'

export type { Answering } from './services.js'

export interface TestNodeOptions {
  /** What listings call the node; `kill` and `restart` take it. Default: `test`; of one that joins: required. */
  readonly nodeId?: string | undefined
  /** The url of the node in listings. Default: `rollcall://` and its id. */
  readonly url?: string | undefined
  /** Where it stands, for `prefer` and `pickNodes`. Default: nowhere. */
  readonly region?: string | undefined
  readonly zone?: string | undefined
}

export interface TestRegistryOptions extends TestNodeOptions {
  /** Answers the calls of services, as it pleases, where no `handle` does. Default: nothing answers, and the error says so. */
  readonly fetch?: typeof fetch | undefined
}

/**
 * A registry in memory, for the tests of programs that are written against `Registry`: the rules are those of a node, since it is
 * the very code of one, told the time by the test. No socket, no disk, no timer; it needs no end. Reads come at once, as
 * from a node; registrations are those of a daemon: `registerSelf` lives with its program, which `kill` ends, all else until it is removed.
 *
 * Time stands still until `advance`, whatever the timers of the test do, faked or not: what lives by a ttl, sessions and their grace,
 * `deregisterAfter`, checks, failure detection, `drainDelay`, how often those who `watch` are told, how long calls leave an
 * instance out. What a call itself needs passes by itself (a write 25 ms; `ackTimeout`; the pause before a call is made again), so that
 * nobody has to advance for an answer. The limits of a single call (`timeout`, `attemptTimeout`) alone go by the timers of the process.
 *
 * Checks find every instance well until it is killed, or says otherwise by `setStatus`. No node has figures of a machine, so that
 * `pickNodes` has none to go by.
 */
export interface TestRegistry extends RegistryAtOnce {
  /**
   * Lets time pass, an hour in about half a second. Whatever it brings about is seen, and answered, by the program at the moment at which
   * it happens.
   * @param duration milliseconds, or such as `'500ms'`, `'5s'`, `'1m'`; up to 30 days
   * @throws RegistryError `malformed`
   */
  advance(duration: number | string): Promise<void>
  /**
   * Ends an instance as `kill -9` ends its program: nothing listens there any more, calls are refused, its session is lost. It is looked
   * at at once, as if a caller had said so: whoever is checked (all but `check: 'none'` or `'reported'`) is `Unreachable`, so that nobody picks
   * it; what lives with its program is removed after its `grace`. Or a node, of which the others lose sight within a second.
   * @param name the id of an instance, else of a node
   * @throws RegistryError `not-found`; `unavailable` where the node is down already
   */
  kill(name: string): void
  /**
   * Listens again, which its next check finds (after 1, 2, 4 s, then every 5), and which counts once that has lasted for half a second;
   * longer where it was killed repeatedly. Or starts a node again, with what is on its disk. What was removed has to be registered anew.
   * @throws RegistryError `not-found`
   */
  restart(name: string): Promise<void>
  /**
   * One more node of the same cluster, with which it is in step when this comes back.
   * @returns the registry as it is seen there
   * @throws RegistryError `conflict` where that name is taken; `malformed`
   */
  join(options: TestNodeOptions & { readonly nodeId: string }): TestRegistry
  /**
   * Says what answers at a place: all that is asked by `call`, `fetch` or `createFetch` of that host and port, whatever its path.
   * @param url of the instance, or any other
   * @param answering a `Response`, or a promise of one; what it throws the call throws
   * @throws RegistryError `malformed`
   */
  handle(url: string, answering: Answering): void
  /**
   * Aborts when so much time has passed, as `AbortSignal.timeout` does in the time of the machine: for `waitFor`, or any call.
   * @throws RegistryError `malformed`
   */
  timeout(duration: number | string): AbortSignal
}
