/**
 * Health checks: asks an instance where it says it is, in the way it wants to be asked; never throws.
 *
 * What is the instance's fault is `Unreachable` (nobody there) or `Error` (somebody there, but not well); what is ours (no
 * file handles, no free port, too many checks at once, being stopped) is `Unknown`, since a sick observer must not condemn
 * what it observes. So a name that cannot be resolved in time is nobody's fault but ours, and the clock of a check starts when a
 * connection is tried. Details are constant for constant causes: a record that differs only in a number of milliseconds would
 * be news to the whole cluster.
 */
import { isIP } from 'node:net'
import { type Check, type CheckForm, defaultCheck, readCheck } from '../core/check.js'
import type { CheckResult } from '../core/effects.js'
import { urlEndpoint } from '../core/url.js'
import { createNames, type Names, type Resolution } from './names.js'
import { notHttp, probeFor, type Asking, type Dial, type Endpoint, type Outcome, type Probe } from './checks/probes.js'

export interface CheckerOptions {
  /** Connections that may be tried at a time. */
  readonly concurrency?: number
  /** After this an instance counts as unreachable. */
  readonly timeout_ms?: number
  /** An instance that takes longer than this to accept, or to answer, is degraded. */
  readonly slow_ms?: number
  /** Checks that may wait for their turn; those beyond it answer `Unknown` at once. */
  readonly waiting?: number
  /** How names are resolved; the checker ends it. By default as this machine does, unless `connect` takes care of that. */
  readonly names?: Names
  /** How to connect without TLS; for tests that want a network of their own. */
  readonly connect?: Dial
}

export interface Checker {
  /** @param form as a record carries it */
  check(url: string, form?: CheckForm): Promise<CheckResult>
  /** Ends all checks with `Unknown`, those to come too; leaves no socket and no timer behind. */
  stop(): void
}

const unresolved = new Set(['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA'])
const ours = new Set([
  ...['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'],
  ...['EAI_AGAIN', 'EAI_FAIL', 'EAI_MEMORY', 'EAI_SYSTEM'],
])
/** Of one name; the others are tried at another time. */
const addressLimit = 16
const hostLength = 200
const pathLength = 200
const lateness_ms = 200

function askingOf({ question, secure }: Check, url: string): Asking | undefined {
  if (question.type === 'tcp') return { type: 'tcp' }
  if (question.type !== 'http') return undefined
  const isSecure = secure === 'as its url says' ? /^(?:https|wss):/i.test(url) : secure
  return { type: isSecure ? 'https' : 'http', path: question.path }
}

/** What is to be asked, and where. */
interface Question {
  readonly endpoint: Endpoint
  readonly check: Asking
}

export function createChecker(options: CheckerOptions = {}): Checker {
  const { concurrency = 64, waiting: waitingLimit = 4096, ...limits } = options
  const names = options.names ?? (options.connect === undefined ? createNames() : undefined)
  const running = new Set<Attempt>()
  const waiting: { readonly question: Question; readonly answer: (result: CheckResult) => void }[] = []
  let stopped = false

  const start = (question: Question, answer: (result: CheckResult) => void): void => {
    const attempt = new Attempt(question, limits, (result) => {
      running.delete(attempt)
      answer(result)
      const next = stopped ? undefined : waiting.shift()
      if (next !== undefined) start(next.question, next.answer)
    })
    running.add(attempt)
    attempt.begin()
  }

  const ask = (question: Question, answer: (result: CheckResult) => void): void => {
    if (stopped) answer(beingStopped)
    else if (running.size < concurrency) start(question, answer)
    else if (waiting.length < waitingLimit) waiting.push({ question, answer })
    else answer({ status: 'Unknown', details: `not checked: ${waitingLimit} checks are waiting already` })
  }

  /** Whoever waits for a name takes no place of those who are being asked. */
  const askByName = async (question: Question, answer: (result: CheckResult) => void, by: Names): Promise<void> => {
    const found = await by.resolve(question.endpoint.host)
    if (found.type !== 'found') return answer(stopped ? beingStopped : unnamed(question, found))
    const addresses = found.addresses.slice(0, addressLimit)
    ask({ ...question, endpoint: { ...question.endpoint, addresses } }, answer)
  }

  return {
    check(url, form = defaultCheck) {
      return new Promise((resolve) => {
        const asked = readCheck(form)
        const check = asked && askingOf(asked, url)
        const endpoint = urlEndpoint(url)
        if (stopped) resolve(beingStopped)
        else if (asked?.question.type === 'none') resolve(trusted)
        else if (check === undefined) resolve(unknownCheck)
        else if (endpoint === undefined) resolve(withoutPort)
        else if (names === undefined || isIP(endpoint.host) !== 0) ask({ endpoint, check }, resolve)
        else void askByName({ endpoint, check }, resolve, names)
      })
    },
    stop() {
      stopped = true
      names?.stop()
      for (const { answer } of waiting.splice(0)) answer(beingStopped)
      for (const attempt of [...running]) attempt.finish(beingStopped)
    },
  }
}

function unnamed(question: Question, found: Exclude<Resolution, { type: 'found' }>): CheckResult {
  const name = `the host name of ${placeOf(question)}`
  if (found.type === 'no such name') return { status: 'Unreachable', details: `${name} does not resolve` }
  const why = found.type === 'silence' ? 'in time' : `(${found.code})`
  return { status: 'Unknown', details: `this machine could not resolve ${name} ${why}` }
}

const beingStopped: CheckResult = { status: 'Unknown', details: 'not checked: this daemon is stopping' }

/**
 * Who asks for no check says: trust me until I deregister. As `Unknown` it would never be picked beside one that is checked,
 * which nobody who registers a service wants.
 */
const trusted: CheckResult = { status: 'Healthy' }

const unknownCheck: CheckResult = { status: 'Unknown', details: 'not checked: this daemon does not know such a check' }

const withoutPort: CheckResult = {
  status: 'Unknown',
  details: 'not checked: the url names no port, and its scheme has no default',
}

/** One try to ask. Whatever happens first ends it; everything later is ignored. */
class Attempt {
  readonly #question: Question
  readonly #probe: Probe
  readonly #timeout_ms: number
  readonly #slow_ms: number
  readonly #done: (result: CheckResult) => void
  #close: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #grace: NodeJS.Immediate | undefined
  #finished = false

  constructor(
    question: Question,
    { timeout_ms = 3000, slow_ms = 1000, connect }: Pick<CheckerOptions, 'timeout_ms' | 'slow_ms' | 'connect'>,
    done: (result: CheckResult) => void,
  ) {
    this.#question = question
    this.#probe = probeFor(question.check, connect)
    this.#timeout_ms = timeout_ms
    this.#slow_ms = slow_ms
    this.#done = done
  }

  begin(): void {
    const begun = performance.now()
    this.#arm()
    try {
      this.#close = this.#probe(this.#question.endpoint, (outcome) => this.#judge(outcome, performance.now() - begun))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
      process.nextTick(() => this.#explain(code, false)) // a long queue must not fail on one stack
    }
  }

  /**
   * A timer that comes late says that this process was stalled, not that the instance was silent: that wait does not count.
   * Even in time, an answer that came in the same turn of the loop is read first.
   */
  #arm(): void {
    const due = performance.now() + this.#timeout_ms
    this.#timer = setTimeout(() => {
      if (performance.now() - due > lateness_ms) this.#arm()
      else {
        const patience = `within ${this.#timeout_ms / 1000} s`
        this.#grace = setImmediate(() => this.#unreachable(`no answer from ${this.#where} ${patience}`))
      }
    }, this.#timeout_ms)
  }

  finish(result: CheckResult): void {
    if (this.#finished) return
    this.#finished = true
    clearTimeout(this.#timer)
    clearImmediate(this.#grace)
    this.#close?.()
    this.#done(result)
  }

  #judge(outcome: Outcome, took_ms: number): void {
    if (outcome.type === 'failed') return this.#explain(outcome.code, outcome.connected)
    if (outcome.type === 'answered' && !isGood(outcome.status)) {
      return this.finish({ status: 'Error', details: `${this.#where} answered ${outcome.status}` })
    }
    if (took_ms <= this.#slow_ms) return this.finish({ status: 'Healthy' })
    const act = outcome.type === 'accepted' ? 'accept' : 'answer'
    this.finish({ status: 'Degraded', details: `${this.#where} took longer than ${this.#slow_ms / 1000} s to ${act}` })
  }

  /** @param connected whether somebody took the connection before it failed */
  #explain(code: string, connected: boolean): void {
    if (connected) this.finish({ status: 'Error', details: this.#complaint(code) })
    else if (ours.has(code))
      this.finish({ status: 'Unknown', details: `this machine could not check ${this.#where}: ${code}` })
    else if (unresolved.has(code)) this.#unreachable(`the host name of ${this.#where} does not resolve`)
    else if (code === 'ECONNREFUSED') this.#unreachable(`connection refused by ${this.#where}`)
    else if (code === 'ETIMEDOUT') this.#unreachable(`no answer from ${this.#where}`)
    else this.#unreachable(`cannot connect to ${this.#where}: ${code}`)
  }

  /** What somebody did wrong who is there. */
  #complaint(code: string): string {
    if (code === notHttp) return `${this.#where} does not speak HTTP`
    if (code === 'ECONNRESET' || code === 'EPIPE') return `${this.#where} closed the connection without an answer`
    if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return `${this.#where} does not speak TLS`
    if (this.#question.check.type === 'https') return `no trust in the TLS of ${this.#where}: ${code}`
    return `no HTTP answer from ${this.#where}: ${code}`
  }

  #unreachable(details: string): void {
    this.finish({ status: 'Unreachable', details })
  }

  get #where(): string {
    return placeOf(this.#question)
  }
}

/** Who switches to another protocol (101) is there, too. */
function isGood(status: number): boolean {
  return status === 101 || (status >= 200 && status <= 399)
}

/** `host:port`, or the url that is asked; never who asks. */
function placeOf({ endpoint, check }: Question): string {
  const host = endpoint.host.slice(0, hostLength)
  const hostPort = `${host.includes(':') ? `[${host}]` : host}:${endpoint.port}`
  if (check.type === 'tcp') return hostPort
  return `${check.type}://${hostPort}${check.path.slice(0, pathLength)}`
}
