/**
 * Who is let in, as of now: credentials or none, pages of which origins. A change counts from the next request on.
 */
import type { Credentials } from '../config/tokens.js'
import type { Origins } from './cors.js'
import { createIdentifier } from './credentials.js'

/** What a daemon may be told anew while it serves. */
export interface Access {
  /** Absent: nobody is asked for any. */
  readonly credentials?: Credentials
  /** Origins of web pages that may read and change the register; `*` is any. Absent: none. */
  readonly corsOrigins?: Origins
  /** Names and addresses of proxies, which requests may carry in `Host`. Absent: none. */
  readonly proxyHosts?: readonly string[]
}

const nobody: readonly string[] = []

export class Admission {
  #access: Access
  #identify: ReturnType<typeof createIdentifier> | undefined
  readonly #listeners: (() => void)[] = []

  constructor(access: Access) {
    this.#access = access
    this.#identify = identifierOf(access)
  }

  get origins(): Origins {
    return this.#access.corsOrigins ?? []
  }

  get proxyHosts(): readonly string[] {
    return this.#access.proxyHosts ?? nobody
  }

  get asksForCredentials(): boolean {
    return this.#identify !== undefined
  }

  /** Tells callers apart; undefined where nobody is asked. */
  get identify(): ReturnType<typeof createIdentifier> | undefined {
    return this.#identify
  }

  /** Whoever was let in for longer than one answer has to come again. */
  change(access: Access): void {
    this.#access = access
    this.#identify = identifierOf(access)
    for (const listener of this.#listeners) listener()
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }
}

function identifierOf({ credentials }: Access): ReturnType<typeof createIdentifier> | undefined {
  return credentials === undefined ? undefined : createIdentifier(credentials)
}
