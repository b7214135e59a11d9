/**
 * What a check says to prove who asks: values of headers, the `user:password` of a url. It stays at the home node, outside all records.
 */
import type { CheckHeaders } from '../model/check.js'
import { RegistryError } from '../model/errors.js'
import { type Registration, readObject } from '../model/model.js'
import { splitUserinfo } from '../model/url.js'

/** All of them, as text. */
const textLength = 1024 * 1024

export interface Secrets {
  readonly headers?: CheckHeaders
  /** As the url had it, not decoded. */
  readonly userinfo?: string
}

/** A registration as everybody may see it, with what the home node keeps to itself. */
export function withoutSecrets(said: Registration): {
  readonly registration: Registration
  readonly userinfo?: string
} {
  const { url, userinfo } = splitUserinfo(said.url)
  return userinfo === undefined ? { registration: said } : { registration: { ...said, url }, userinfo }
}

export class CheckSecrets {
  readonly #secretsById = new Map<string, Secrets>()
  #length = 0
  #isChanged = false

  /** @param text as an earlier run kept it */
  constructor(text: string | undefined) {
    for (const [id, value] of Object.entries(readObject(text ?? '{}') ?? {})) {
      const secrets = readSecrets(value)
      if (secrets !== undefined) this.#put(id, secrets)
    }
  }

  of(id: string): Secrets | undefined {
    return this.#secretsById.get(id)
  }

  /**
   * What is to be kept once a registration counts; headers that it does not speak of stay. It changes nothing.
   * @param isMoved it names another place, to which those of before are not to be told
   * @throws RegistryError `too-large`
   */
  after(id: string, { check, checkHeaders }: Registration, userinfo: string | undefined, isMoved: boolean): Secrets {
    const before = this.#secretsById.get(id)
    const known = isMoved ? undefined : before
    const headers = check === undefined ? known?.headers : checkHeaders
    const secrets = { ...(headers !== undefined && { headers }), ...(userinfo !== undefined && { userinfo }) }
    const length = this.#length - lengthOf(id, before) + lengthOf(id, secrets)
    if (length > textLength && lengthOf(id, secrets) > lengthOf(id, before)) {
      const wayOut = 'remove checks with headers, or register at another node'
      throw new RegistryError('too-large', `check: this node keeps ${textLength} bytes of header values; ${wayOut}`)
    }
    return secrets
  }

  keep(id: string, secrets: Secrets): void {
    if (JSON.stringify(secrets) === JSON.stringify(this.#secretsById.get(id) ?? {})) return
    this.#put(id, secrets)
    this.#isChanged = true
  }

  forget(id: string): void {
    this.keep(id, {})
  }

  #put(id: string, secrets: Secrets): void {
    this.#length += lengthOf(id, secrets) - lengthOf(id, this.#secretsById.get(id))
    if (Object.keys(secrets).length === 0) this.#secretsById.delete(id)
    else this.#secretsById.set(id, secrets)
  }

  /** @param isKnown whether an id is still ours @returns what is to be on disk, where that has changed */
  takeText(isKnown: (id: string) => boolean): string | undefined {
    if (!this.#isChanged) return undefined
    this.#isChanged = false
    for (const id of [...this.#secretsById.keys()]) if (!isKnown(id)) this.#put(id, {})
    return `${JSON.stringify(Object.fromEntries(this.#secretsById))}\n`
  }
}

function lengthOf(id: string, secrets: Secrets | undefined): number {
  if (secrets === undefined || Object.keys(secrets).length === 0) return 0
  return JSON.stringify(id).length + JSON.stringify(secrets).length + 2
}

function readSecrets(value: unknown): Secrets | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { headers, userinfo } = value as Readonly<Record<string, unknown>>
  const isTexts = typeof headers === 'object' && headers !== null
  const texts = isTexts ? Object.entries(headers).filter(([, text]) => typeof text === 'string') : []
  return {
    ...(texts.length > 0 && { headers: Object.fromEntries(texts) as CheckHeaders }),
    ...(typeof userinfo === 'string' && { userinfo }),
  }
}
