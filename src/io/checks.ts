/**
 * Health checks: tries to connect to where an instance says it is; never sends it a byte, and never throws.
 *
 * What is the instance's fault is `Unreachable`; what is ours (no file handles, no free port, too many checks at once, being
 * stopped) is `Unknown`, since a sick observer must not condemn what it observes. Details are constant for constant causes:
 * a record that differs only in a number of milliseconds would be news to the whole cluster.
 */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { CheckResult } from '../core/effects.js'
import { urlEndpoint } from '../core/model.js'

export interface CheckerOptions {
  /** Connections that may be tried at a time. */
  readonly concurrency?: number
  /** After this an instance counts as unreachable, the resolution of its name included. */
  readonly timeout_ms?: number
  /** An instance that takes longer than this to accept is degraded. */
  readonly slow_ms?: number
  /** Checks that may wait for their turn; those beyond it answer `Unknown` at once. */
  readonly waiting?: number
  /** How to connect; for tests that want a network of their own. */
  readonly connect?: (options: TcpNetConnectOpts) => Socket
}

export interface Checker {
  check(url: string): Promise<CheckResult>
  /** Ends all checks with `Unknown`, those to come too; leaves no socket and no timer behind. */
  stop(): void
}

const unresolved = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NONAME', 'EAI_NODATA', 'EAI_FAIL'])
const ours = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'])
const hostLength = 200
const lateness_ms = 200

export function createChecker(options: CheckerOptions = {}): Checker {
  const { concurrency = 64, waiting: waitingLimit = 4096, ...limits } = options
  const running = new Set<Attempt>()
  const waiting: { readonly endpoint: Endpoint; readonly answer: (result: CheckResult) => void }[] = []
  let stopped = false

  const start = (endpoint: Endpoint, answer: (result: CheckResult) => void): void => {
    const attempt = new Attempt(endpoint, limits, (result) => {
      running.delete(attempt)
      answer(result)
      const next = stopped ? undefined : waiting.shift()
      if (next !== undefined) start(next.endpoint, next.answer)
    })
    running.add(attempt)
    attempt.begin()
  }

  return {
    check(url) {
      return new Promise((resolve) => {
        const endpoint = urlEndpoint(url)
        if (stopped) resolve(beingStopped)
        else if (endpoint === undefined) resolve(withoutPort)
        else if (running.size < concurrency) start(endpoint, resolve)
        else if (waiting.length < waitingLimit) waiting.push({ endpoint, answer: resolve })
        else resolve({ status: 'Unknown', details: `not checked: ${waitingLimit} checks are waiting already` })
      })
    },
    stop() {
      stopped = true
      for (const { answer } of waiting.splice(0)) answer(beingStopped)
      for (const attempt of [...running]) attempt.finish(beingStopped)
    },
  }
}

interface Endpoint {
  readonly host: string
  readonly port: number
}

const beingStopped: CheckResult = { status: 'Unknown', details: 'not checked: this daemon is stopping' }

const withoutPort: CheckResult = {
  status: 'Unknown',
  details: 'not checked: the url names no port, and its scheme has no default',
}

/** One try to connect. Whatever happens first ends it; everything later is ignored. */
class Attempt {
  readonly #host: string
  readonly #port: number
  readonly #options: Pick<CheckerOptions, 'timeout_ms' | 'slow_ms' | 'connect'>
  readonly #done: (result: CheckResult) => void
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #grace: NodeJS.Immediate | undefined
  #finished = false

  constructor(
    endpoint: Endpoint,
    options: Pick<CheckerOptions, 'timeout_ms' | 'slow_ms' | 'connect'>,
    done: (result: CheckResult) => void,
  ) {
    this.#host = endpoint.host
    this.#port = endpoint.port
    this.#options = options
    this.#done = done
  }

  begin(): void {
    const { timeout_ms = 3000, slow_ms = 1000, connect: dial = connect } = this.#options
    const begun = performance.now()
    this.#arm(timeout_ms)
    try {
      this.#socket = dial({ host: this.#host, port: this.#port })
    } catch (error) {
      process.nextTick(() => this.#explain(error)) // a long queue must not fail on one stack
      return
    }
    this.#socket.on('error', (error) => this.#explain(error))
    this.#socket.once('connect', () => this.#connected(performance.now() - begun > slow_ms, slow_ms))
  }

  /**
   * A timer that comes late says that this process was stalled, not that the instance was silent: that wait does not count.
   * Even in time, an answer that came in the same turn of the loop is read first.
   */
  #arm(timeout_ms: number): void {
    const due = performance.now() + timeout_ms
    this.#timer = setTimeout(() => {
      if (performance.now() - due > lateness_ms) this.#arm(timeout_ms)
      else {
        this.#grace = setImmediate(() => this.#fail(`no answer from ${this.#where} within ${timeout_ms / 1000} s`))
      }
    }, timeout_ms)
  }

  finish(result: CheckResult): void {
    if (this.#finished) return
    this.#finished = true
    clearTimeout(this.#timer)
    clearImmediate(this.#grace)
    this.#socket?.destroy()
    this.#done(result)
  }

  #connected(slow: boolean, slow_ms: number): void {
    const socket = this.#socket
    // TCP can connect a port to itself, when nobody listens there and the kernel draws it as the port to call from.
    const itself = socket?.localPort === socket?.remotePort && socket?.localAddress === socket?.remoteAddress
    if (itself && socket?.localPort !== undefined) this.#fail(`connection refused by ${this.#where}`)
    else if (slow) {
      this.finish({ status: 'Degraded', details: `${this.#where} took longer than ${slow_ms / 1000} s to accept` })
    } else this.finish({ status: 'Healthy' })
  }

  #explain(error: unknown): void {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    if (ours.has(code))
      this.finish({ status: 'Unknown', details: `this machine could not check ${this.#where}: ${code}` })
    else if (unresolved.has(code)) this.#fail(`the host name of ${this.#where} does not resolve`)
    else if (code === 'ECONNREFUSED') this.#fail(`connection refused by ${this.#where}`)
    else if (code === 'ETIMEDOUT') this.#fail(`no answer from ${this.#where}`)
    else this.#fail(`cannot connect to ${this.#where}: ${code}`)
  }

  #fail(details: string): void {
    this.finish({ status: 'Unreachable', details })
  }

  get #where(): string {
    const host = this.#host.slice(0, hostLength)
    return `${host.includes(':') ? `[${host}]` : host}:${this.#port}`
  }
}
