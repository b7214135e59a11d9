/**
 * What the names of hosts stand for, found within a bound. Whoever waits for a name that nobody answers for waits alone: it costs
 * no other name anything.
 *
 * Each name is asked about once at a time, however many wait for it, and what it stood for last is good enough while nobody
 * answers. What is on record here is asked about again after a few seconds, since names move.
 */
import { isIP, type LookupFunction } from 'node:net'
import { BoundedMap } from '../core/basics/bounded-map.js'
import { askSystem, NameServers, SystemLane, type Answer, type AskSystem } from './names/asking.js'
import { NameFiles, type Address, type FileNames } from './names/files.js'

export type { Address } from './names/files.js'

export interface NamesOptions {
  /** Where this machine says what it knows of names itself. */
  readonly files?: FileNames
  /** `ADDRESS` or `ADDRESS:PORT` of the servers to ask instead of those of this machine. */
  readonly servers?: readonly string[]
  /** How the operating system is asked. */
  readonly system?: AskSystem
  /** How long a name that was never found may take. */
  readonly patience_ms?: number
}

/** `silence`: nobody answered in time. `failed`: who was asked cannot tell. */
export type Resolution = Answer

export interface Names {
  /** Never rejects, and never takes much longer than the patience. */
  resolve(host: string): Promise<Resolution>
  /** Ends all questions, those to come too. */
  stop(): void
}

const systemFiles: FileNames = { hosts: '/etc/hosts', resolv: '/etc/resolv.conf' }
/** How long an answer is good for: less than the pause between two checks, so that each goes where callers go. */
const fresh_ms = 5000
/** The same where there was no such name: one that is just being made is soon asked about again. */
const freshAbsence_ms = 500
/** How long to wait for news of a name whose last addresses are known. */
const knownPatience_ms = 500
/** How long to wait for what the system makes of a name that the servers do not know. */
const systemPatience_ms = 1500
/** Names on record, and names that are asked about at a time. */
const recordLimit = 4096
const questionLimit = 1024

/** Of one process, since the threads are. Names that the servers know nothing of do not wait for those that nobody answers for. */
const lanes = { absent: new SystemLane(), silent: new SystemLane() }

const loopback: readonly Address[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

interface Entry {
  /** What was said last by somebody who could tell. */
  answer?: Resolution
  answeredAt: number
  asking?: Promise<Resolution>
  askingSystem?: Promise<Resolution>
}

export function createNames(options: NamesOptions = {}): Names {
  return new CachedNames(options)
}

class CachedNames implements Names {
  readonly #files: NameFiles
  readonly #servers: NameServers
  readonly #system: AskSystem
  readonly #patience_ms: number
  readonly #entries = new BoundedMap<string, Entry>(recordLimit)
  #asking = 0
  /** How to tell those who wait that all is over. */
  readonly #waiting = new Set<() => void>()
  #isStopped = false

  constructor({ files = systemFiles, servers, system = askSystem, patience_ms = 3000 }: NamesOptions) {
    this.#files = new NameFiles(files)
    this.#servers = new NameServers(this.#files, servers)
    this.#system = system
    this.#patience_ms = patience_ms
  }

  async resolve(host: string): Promise<Resolution> {
    const family = isIP(host)
    if (family === 4 || family === 6) return { type: 'found', addresses: [{ address: host, family }] }
    const name = host.toLowerCase()
    const own = this.#known(name.replace(/\.$/, ''))
    if (own !== undefined) return own
    const entry = this.#entry(name)
    const age_ms = performance.now() - entry.answeredAt
    const isFresh = age_ms < (entry.answer?.type === 'found' ? fresh_ms : freshAbsence_ms)
    return entry.answer !== undefined && isFresh ? entry.answer : this.#ask(name, entry)
  }

  stop(): void {
    this.#isStopped = true
    this.#servers.stop()
    for (const giveUp of [...this.#waiting]) giveUp()
  }

  /** What this machine knows without asking. RFC 6761: what `.localhost` and `.invalid` mean is the same everywhere. */
  #known(name: string): Resolution | undefined {
    const addresses = this.#files.addresses(name) ?? (isUnder('localhost', name) ? loopback : undefined)
    if (addresses !== undefined) return { type: 'found', addresses }
    return name === '' || isUnder('invalid', name) ? { type: 'no such name' } : undefined
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name) ?? { answeredAt: 0 }
    this.#entries.set(name, entry)
    return entry
  }

  async #ask(name: string, entry: Entry): Promise<Resolution> {
    if (this.#isStopped) return silence
    if (entry.asking === undefined && this.#asking < questionLimit) entry.asking = this.#question(name, entry)
    const patience_ms = entry.answer?.type === 'found' ? knownPatience_ms : this.#patience_ms
    const answer = await this.#within(patience_ms, entry.asking)
    return !isAnswer(answer) && entry.answer?.type === 'found' ? entry.answer : answer
  }

  async #question(name: string, entry: Entry): Promise<Resolution> {
    this.#asking += 1
    const answer = await this.#askAll(name, entry)
    this.#asking -= 1
    delete entry.asking
    this.#note(entry, answer)
    return answer
  }

  /** Who is silent may be so for long: what the system finds meanwhile is for those who ask later. */
  async #askAll(name: string, entry: Entry): Promise<Resolution> {
    const answer = await this.#servers.ask(name)
    if (answer.type === 'found' || this.#isStopped) return answer
    const lane = answer.type === 'silence' ? lanes.silent : lanes.absent
    entry.askingSystem ??= this.#askSystem(name, entry, lane)
    if (answer.type === 'silence') return answer
    const second = await this.#within(systemPatience_ms, entry.askingSystem)
    return second.type === 'failed' ? answer : second
  }

  async #askSystem(name: string, entry: Entry, lane: SystemLane): Promise<Resolution> {
    const answer = await lane.ask(() => (this.#isStopped ? Promise.resolve([]) : this.#system(name)))
    delete entry.askingSystem
    this.#note(entry, answer)
    return answer
  }

  #note(entry: Entry, answer: Resolution): void {
    if (!isAnswer(answer) || this.#isStopped) return
    entry.answer = answer
    entry.answeredAt = performance.now()
  }

  #within(patience_ms: number, asked: Promise<Resolution> | undefined): Promise<Resolution> {
    if (asked === undefined) return Promise.resolve(silence)
    return new Promise((resolve) => {
      const end = (answer: Resolution): void => {
        clearTimeout(timer)
        this.#waiting.delete(giveUp)
        resolve(answer)
      }
      const giveUp = (): void => end(silence)
      const timer = setTimeout(giveUp, patience_ms)
      this.#waiting.add(giveUp)
      void asked.then(end)
    })
  }
}

const silence = { type: 'silence' } as Resolution

function isAnswer({ type }: Resolution): boolean {
  return type === 'found' || type === 'no such name'
}

function isUnder(domain: string, name: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

/** For sockets: how they are to find the addresses of a name. */
export function lookupBy(find: (name: string) => Promise<readonly Address[]>): LookupFunction {
  return (name, { all, family }, answer) => {
    const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : (family ?? 0)
    find(name).then(
      (found) => {
        const addresses = found.filter((each) => wanted === 0 || each.family === wanted)
        const [first] = addresses
        if (first === undefined) answer(unresolved(name, 'ENOTFOUND'), [])
        else if (all === true) answer(null, [...addresses])
        else answer(null, first.address, first.family)
      },
      (error: unknown) => answer(error as NodeJS.ErrnoException, []),
    )
  }
}

/** @throws an error with a code, as the operating system does */
export async function addressesOf(names: Names, host: string): Promise<readonly Address[]> {
  const found = await names.resolve(host)
  if (found.type === 'found') return found.addresses
  if (found.type === 'no such name') throw unresolved(host, 'ENOTFOUND')
  throw found.type === 'silence' ? unresolved(host, 'ETIMEDOUT') : unresolved(host, 'EAI_AGAIN')
}

function unresolved(host: string, code: string): NodeJS.ErrnoException {
  const reason = code === 'ENOTFOUND' ? 'does not resolve' : 'could not be resolved in time'
  return Object.assign(new Error(`${code}: the name ${host} ${reason}`), { code })
}
