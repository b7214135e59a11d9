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
import {
  type Check,
  type CheckForm,
  type CheckHeaders,
  type StatusRange,
  defaultCheck,
  readCheck,
} from '../core/model/check.js'
import { quarterOfDescriptors } from '../config/descriptors.js'
import type { CheckResult } from '../core/effects.js'
import { unresolvedDetails } from '../core/words/unresolved.js'
import { isLinkLocal } from '../core/model/host.js'
import { shownUrl, urlEndpoint } from '../core/model/url.js'
import { loadGrpc } from './checks/grpc.js'
import { Lines, type TellLine } from './checks/lines.js'
import { patience } from './checks/patience.js'
import {
  notGrpc,
  notHttp,
  probeFor,
  type Asking,
  type Dial,
  type Endpoint,
  type Outcome,
  type Probe,
  type Tls,
} from './checks/probes.js'
import { type Turn, Turns } from './checks/turns.js'
import { createNames, type Names, type Resolution } from './names.js'

export interface CheckerOptions {
  /** Connections that may be tried at a time, besides those that are silent for a while. */
  readonly concurrency?: number
  /** After this an instance counts as unreachable; by default what its check says. */
  readonly timeout_ms?: number
  /** An instance that takes longer than this to accept, or to answer, is degraded. */
  readonly slow_ms?: number
  /** Checks that may wait for their turn; those beyond it answer `Unknown` at once. */
  readonly waiting?: number
  /** How names are resolved; the checker ends it. By default as this machine does, unless `connect` takes care of that. */
  readonly names?: Names
  /** How to connect without TLS; for tests that want a network of their own. */
  readonly connect?: Dial
  /** Connections that may be kept open; by default a quarter of the descriptors of this process. */
  readonly lines?: number
}

export interface Checker {
  /**
   * @param form as a record carries it
   * @param headers the values of those that it names
   */
  check(url: string, form?: CheckForm, headers?: CheckHeaders): Promise<CheckResult>
  /** Connects to an instance, and stays connected; replaces an earlier connection of the same id. @param tell what becomes of it */
  keepOpen(id: string, url: string, form: CheckForm, tell: TellLine): void
  /** Ends the connection that is kept, if there is one; that is not told. */
  letGo(id: string): void
  /** Ends all checks with `Unknown`, those to come too; leaves no socket and no timer behind. */
  stop(): void
}

const unresolved = new Set(['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA'])
const ours = new Set([
  ...['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'],
  ...['EAI_AGAIN', 'EAI_FAIL', 'EAI_MEMORY', 'EAI_SYSTEM'],
])
/** What comes where something else is spoken; other failures are words of somebody who speaks it. */
const isNoTls =
  /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_TOO_LARGE|.*UNEXPECTED_MESSAGE|HTTP_REQUEST)$/
/** Of one name; the others are tried at another time. */
const addressLimit = 16
const hostLength = 200
const pathLength = 200
/** Those that are waited for though they are silent, where there are descriptors enough. */
const silentLimit = 4096

/** What is to be asked, and where. */
interface Question {
  readonly endpoint: Endpoint
  readonly check: Asking
  readonly timeout_ms: number
}

/** Forms come from records, and again and again. */
const parsedForms = new WeakMap<object, Check | undefined>()

function parsed(form: CheckForm): Check | undefined {
  if (typeof form === 'string') return readCheck(form)
  if (!parsedForms.has(form)) parsedForms.set(form, readCheck(form))
  return parsedForms.get(form)
}

/** What to ask, or what is known without asking. */
type Found = Question | CheckResult

/** A promise only where a library has to be loaded. */
function questionOf(url: string, form: CheckForm, said: CheckHeaders | 'not to be said'): Found | Promise<Found> {
  const check = parsed(form)
  if (check?.question.type === 'none') return trusted
  const endpoint = urlEndpoint(url)
  if (check === undefined || check.question.type === 'reported') return unknownCheck
  if (endpoint === undefined) return withoutPort
  const { question, timeout_ms } = check
  const tls = tlsOf(check, url)
  if (question.type === 'tcp') return { endpoint, check: { type: 'tcp', ...tls }, timeout_ms }
  if (question.type === 'http') {
    const headers = said === 'not to be said' ? {} : said
    if (said !== 'not to be said' && question.headers.some((name) => !Object.hasOwn(headers, name)))
      return withoutHeaders
    return {
      endpoint,
      check: { ...question, type: tls.tls === undefined ? 'http' : 'https', headers, ...tls },
      timeout_ms,
    }
  }
  return loadGrpc().then((health) => {
    if (typeof health === 'string') return { status: 'Unknown', details: `not checked: ${health}` }
    return { endpoint, check: { ...question, health, ...tls }, timeout_ms }
  })
}

/** A connection to the port of an https url is a good answer to who asks for no more than that. */
function tlsOf({ question, secure, tls }: Check, url: string): { readonly tls?: Tls } {
  const isAsUrlSays = question.type !== 'tcp' && /^(?:https|wss|grpcs):/i.test(url)
  return (secure === 'as its url says' ? isAsUrlSays : secure) ? { tls } : {}
}

export function createChecker(options: CheckerOptions = {}): Checker {
  const { concurrency = 64, waiting: waitingLimit = 4096, ...limits } = options
  const names = options.names ?? (options.connect === undefined ? createNames() : undefined)
  const running = new Set<Attempt>()
  const most = quarterOfDescriptors()
  const places = Math.min(concurrency, Math.floor(most / 2))
  const turns = new Turns({ places, silent: Math.min(silentLimit, most - places), waiting: waitingLimit })
  let stopped = false

  const ask = (question: Question, answer: (result: CheckResult) => void): void => {
    if (stopped) return answer(beingStopped)
    const turn: Turn = {
      begin() {
        const attempt = new Attempt(question, limits, (result) => {
          running.delete(attempt)
          answer(result)
          turns.end(turn)
        })
        running.add(attempt)
        attempt.begin()
      },
      drop: () => answer(beingStopped),
    }
    if (!turns.take(turn))
      answer({ status: 'Unknown', details: `not checked: ${waitingLimit} checks are waiting already` })
  }

  /** Whoever waits for a name takes no place of those who are being asked. */
  const askByName = async (question: Question, answer: (result: CheckResult) => void, by: Names): Promise<void> => {
    const addressed = await withAddresses(question, by)
    if ('status' in addressed) answer(stopped ? beingStopped : addressed)
    else ask(addressed, answer)
  }

  const askFound = (found: Found, answer: (result: CheckResult) => void): void => {
    if ('status' in found) answer(found)
    else if (names === undefined || isIP(found.endpoint.host) !== 0) ask(found, answer)
    else void askByName(found, answer, names)
  }

  const lines = new Lines((code) => ours.has(code), options.connect, options.lines)
  /** The newest wish for each id, while it is being found out where that is. */
  const wishes = new Map<string, object>()

  const keepOpen = async (id: string, url: string, form: CheckForm, tell: TellLine): Promise<void> => {
    const wish = {}
    wishes.set(id, wish)
    const question = await questionOf(url, form, 'not to be said')
    const isNamed = !('status' in question) && names !== undefined && isIP(question.endpoint.host) === 0
    const target = isNamed ? await withAddresses(question, names) : question
    if (wishes.get(id) !== wish || stopped) return
    wishes.delete(id)
    lines.open(id, 'status' in target ? undefined : lineTo(target), tell)
  }

  return {
    check(url, form = defaultCheck, headers = {}) {
      return new Promise((resolve) => {
        const found = stopped ? beingStopped : questionOf(url, form, headers)
        if (found instanceof Promise) void found.then((later) => askFound(later, resolve))
        else askFound(found, resolve)
      })
    },
    keepOpen(id, url, form, tell) {
      lines.close(id)
      void keepOpen(id, url, form, tell)
    },
    letGo(id) {
      wishes.delete(id)
      lines.close(id)
    },
    stop() {
      stopped = true
      names?.stop()
      wishes.clear()
      lines.closeAll()
      turns.stop()
      for (const attempt of [...running]) attempt.finish(beingStopped)
    },
  }
}

/**
 * Where a name leads. Whoever registers a name could make this machine talk to what only it can reach, so addresses of that kind count
 * where the url itself says them, and nowhere else.
 */
async function withAddresses(question: Question, by: Names): Promise<Found> {
  const found = await by.resolve(question.endpoint.host)
  if (found.type !== 'found') return unnamed(question, found)
  const addresses = found.addresses.filter(({ address }) => !isLinkLocal(address)).slice(0, addressLimit)
  if (addresses.length > 0) return { ...question, endpoint: { ...question.endpoint, addresses } }
  const name = `the host name of ${placeOf(question)}`
  return {
    status: 'Unknown',
    details: `not checked: ${name} stands for a link-local address; a url may name one itself`,
  }
}

/** A kept connection needs no answer, but for gRPC, where the server is asked to tell of changes. */
function lineTo({ endpoint, check, timeout_ms }: Question): { endpoint: Endpoint; asking: Asking; timeout_ms: number } {
  return { endpoint, asking: check, timeout_ms }
}

function unnamed(question: Question, found: Exclude<Resolution, { type: 'found' }>): CheckResult {
  const name = `the host name of ${placeOf(question)}`
  if (found.type === 'no such name') return { status: 'Unreachable', details: `${name} does not resolve` }
  const why = found.type === 'silence' ? 'in time' : `(${found.code})`
  return { status: 'Unknown', details: unresolvedDetails(name, why) }
}

const beingStopped: CheckResult = { status: 'Unknown', details: 'not checked: this daemon is stopping' }

/**
 * Who asks for no check says: trust me until I deregister. As `Unknown` it would never be picked beside one that is checked,
 * which nobody who registers a service wants.
 */
const trusted: CheckResult = { status: 'Healthy' }

const unknownCheck: CheckResult = { status: 'Unknown', details: 'not checked: this daemon does not know such a check' }

const withoutHeaders: CheckResult = {
  status: 'Unknown',
  details: 'not checked: this node does not know the values of the headers that its check names; register it again',
}

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
  #endWaits: readonly (() => void)[] = []
  #isSlow = false
  #finished = false

  constructor(
    question: Question,
    {
      timeout_ms = question.timeout_ms,
      slow_ms = 1000,
      connect,
    }: Pick<CheckerOptions, 'timeout_ms' | 'slow_ms' | 'connect'>,
    done: (result: CheckResult) => void,
  ) {
    this.#question = question
    this.#probe = probeFor(question.check, timeout_ms, connect)
    this.#timeout_ms = timeout_ms
    this.#slow_ms = slow_ms
    this.#done = done
  }

  begin(): void {
    const silence = `within ${this.#timeout_ms / 1000} s`
    this.#endWaits = [
      patience(this.#slow_ms, () => (this.#isSlow = true)),
      patience(this.#timeout_ms, () => this.#unreachable(`no answer from ${this.#where} ${silence}`)),
    ]
    try {
      this.#close = this.#probe(this.#question.endpoint, (outcome) => this.#judge(outcome))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
      process.nextTick(() => this.#explain(code, false)) // a long queue must not fail on one stack
    }
  }

  finish(result: CheckResult): void {
    if (this.#finished) return
    this.#finished = true
    for (const end of this.#endWaits) end()
    this.#close?.()
    this.#done(result)
  }

  #judge(outcome: Outcome): void {
    if (outcome.type === 'failed') return this.#explain(outcome.code, outcome.connected)
    const bad = this.#badAnswer(outcome)
    if (bad !== undefined) return this.finish(bad)
    if (!this.#isSlow) return this.finish({ status: 'Healthy' })
    const act = outcome.type === 'accepted' ? 'accept' : 'answer'
    this.finish({ status: 'Degraded', details: `${this.#where} took longer than ${this.#slow_ms / 1000} s to ${act}` })
  }

  /** What was answered, where it is not that all is well. */
  #badAnswer(outcome: Outcome): CheckResult | undefined {
    const { check } = this.#question
    if (outcome.type === 'other') return { status: 'Error', details: `${this.#where} answered ${outcome.status}` }
    if (outcome.type === 'serving') {
      if (outcome.serving === 'SERVING') return undefined
      const status = outcome.serving === 'NOT_SERVING' ? 'Error' : 'Unknown'
      return { status, details: `${this.#where} answered ${outcome.serving}` }
    }
    if (outcome.type !== 'answered' || (check.type !== 'http' && check.type !== 'https')) return undefined
    if (isAmong(outcome.status, check.statuses)) return undefined
    return { status: 'Error', details: `${this.#where} answered ${outcome.status}` }
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
    if (code === 'EPROTO' || isNoTls.test(code)) return `${this.#where} does not speak TLS`
    if (code.startsWith('ERR_SSL_')) return `TLS with ${this.#where} fails: ${code.slice('ERR_SSL_'.length)}`
    if (code === notGrpc) return `${this.#where} does not speak gRPC`
    if (this.#question.check.tls !== undefined) return `no trust in the TLS of ${this.#where}: ${code}`
    return `no HTTP answer from ${this.#where}: ${code}`
  }

  #unreachable(details: string): void {
    this.finish({ status: 'Unreachable', details })
  }

  get #where(): string {
    return placeOf(this.#question)
  }
}

function isAmong(status: number, ranges: readonly StatusRange[]): boolean {
  return ranges.some(([from, to]) => status >= from && status <= to)
}

/** `host:port`, or the url that is asked; never who asks. */
function placeOf({ endpoint, check }: Pick<Question, 'endpoint' | 'check'>): string {
  const host = endpoint.host.slice(0, hostLength)
  const hostPort = `${host.includes(':') ? `[${host}]` : host}:${endpoint.port}`
  if (check.type === 'tcp') return hostPort
  if (check.type === 'grpc') return `grpc://${hostPort}${check.service === '' ? '' : `/${check.service}`}`
  return `${check.type}://${hostPort}${shownUrl(check.path).slice(0, pathLength)}`
}
