/**
 * Asks others what a name stands for: the servers that this machine is told of, or its operating system. Nothing is remembered
 * here.
 *
 * The servers are asked by c-ares, which holds up nothing. The system knows more (mDNS, what an administrator set up), but each
 * question to it keeps one of the four threads that a process has for such things, and for its files, until it is answered; so it
 * is asked second, and hardly ever more than one question at a time.
 */
import { lookup, Resolver } from 'node:dns/promises'
import { settledWithin } from '../network/deadline.js'
import type { Address, NameFiles } from './files.js'

export type Answer =
  | { readonly type: 'found'; readonly addresses: readonly Address[] }
  | { readonly type: 'no such name' }
  /** Nobody has answered. */
  | { readonly type: 'silence' }
  /** Who was asked cannot tell. */
  | { readonly type: 'failed'; readonly code: string }

/** For the first try at each server, and how many tries: in all less than a check may take. */
const servers_ms = { timeout: 1000, tries: 2 } as const
/** How long the addresses of one family wait for those of the other (RFC 8305): some servers never answer for IPv6. */
const otherFamily_ms = 50
/** Questions that may wait for the system; what exceeds them has not been answered. */
const systemWaiting = 64

const absent = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'EAI_NONAME', 'EAI_NODATA'])
const silent = new Set(['ETIMEOUT', 'ECANCELLED'])

export class NameServers {
  readonly #files: NameFiles
  readonly #servers: readonly string[] | undefined
  #resolver: Resolver | undefined
  #version = 0

  /** @param servers instead of those that this machine is told of */
  constructor(files: NameFiles, servers?: readonly string[]) {
    this.#files = files
    this.#servers = servers
  }

  /** Never rejects. Who is silent once is not asked for the other things that a short name may mean. */
  async ask(name: string): Promise<Answer> {
    let answer: Answer = { type: 'no such name' }
    for (const meaning of this.#files.meanings(name)) {
      answer = await this.#askBothFamilies(meaning)
      if (answer.type !== 'no such name') return answer
    }
    return answer
  }

  stop(): void {
    this.#resolver?.cancel()
  }

  async #askBothFamilies(name: string): Promise<Answer> {
    const resolver = this.#current()
    const answers: Answer[] = []
    const asked = [this.#askOne(resolver, name, 4), this.#askOne(resolver, name, 6)].map(async (answer) =>
      answers.push(await answer),
    )
    await Promise.race(asked)
    if (answers[0]?.type === 'found') await settledWithin(otherFamily_ms, Promise.all(asked))
    else await Promise.all(asked)
    return together(answers)
  }

  async #askOne(resolver: Resolver, name: string, family: 4 | 6): Promise<Answer> {
    try {
      const addresses = await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name))
      return { type: 'found', addresses: addresses.map((address) => ({ address, family })) }
    } catch (error) {
      return answerOf(error)
    }
  }

  /** C-ares reads once which servers there are; a machine that changes networks has others. */
  #current(): Resolver {
    const version = this.#files.serversVersion
    if (this.#resolver !== undefined && version === this.#version) return this.#resolver
    this.#version = version
    this.#resolver = new Resolver(servers_ms)
    if (this.#servers !== undefined) this.#resolver.setServers([...this.#servers])
    return this.#resolver
  }
}

function answerOf(error: unknown): Answer {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  if (absent.has(code)) return { type: 'no such name' }
  return silent.has(code) ? { type: 'silence' } : { type: 'failed', code }
}

/** The families in turns, whichever came first, so that many addresses of one leave room for the other. */
function together(answers: readonly Answer[]): Answer {
  const lists = answers
    .flatMap((answer) => (answer.type === 'found' ? [answer.addresses] : []))
    .sort((one, other) => (one[0]?.family ?? 0) - (other[0]?.family ?? 0))
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  const addresses = Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i] ?? [])).flat()
  if (addresses.length > 0) return { type: 'found', addresses }
  return answers.find(({ type }) => type !== 'no such name') ?? { type: 'no such name' }
}

export type AskSystem = (name: string) => Promise<readonly Address[]>

export const askSystem: AskSystem = async (name) => {
  const found = await lookup(name, { all: true, order: 'verbatim' })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** One question after the other, for the whole process. */
export class SystemLane {
  readonly #waiting: (() => void)[] = []
  #isBusy = false

  /** Never rejects. */
  async ask(ask: () => ReturnType<AskSystem>): Promise<Answer> {
    if (this.#isBusy && this.#waiting.length >= systemWaiting) return { type: 'silence' }
    if (this.#isBusy) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isBusy = true
    try {
      const addresses = await ask()
      return addresses.length > 0 ? { type: 'found', addresses } : { type: 'no such name' }
    } catch (error) {
      return answerOf(error)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#isBusy = false
      else next()
    }
  }
}
