/**
 * Which of several daemons is asked: the one that answered last, until it fails. It asks nobody itself.
 */
import { RegistryError } from '../core/model/errors.js'

export const defaultServer = 'http://127.0.0.1:58231'

export class Servers {
  readonly all: readonly string[]
  #at = 0

  /** @throws RegistryError `malformed` where one is no url */
  constructor({ server, servers }: { readonly server?: string; readonly servers?: readonly string[] }) {
    if (server !== undefined && servers !== undefined) {
      throw new RegistryError('malformed', 'server and servers: give one of the two')
    }
    const [first = defaultServer, ...others] = servers ?? (server === undefined ? [] : [server])
    this.all = [...new Set([first, ...others].map(parseServer))]
  }

  get current(): string {
    return this.all[this.#at] as string
  }

  /** The next one is asked from now on; unless somebody else has noticed before. */
  failed(server: string): void {
    if (server === this.current) this.#at = (this.#at + 1) % this.all.length
  }
}

/** Without a final slash, so that paths can follow. */
function parseServer(server: string): string {
  const url = server.includes('://') ? server : `http://${server}`
  if (URL.canParse(url) && isBase(new URL(url))) return url.replace(/\/+$/, '')
  throw new RegistryError('malformed', `server: ${JSON.stringify(server)} is not a url such as ${defaultServer}`)
}

/** Paths can follow it, and it is what is asked: `fetch` takes no user in a url, and what follows a query is part of it. */
function isBase({ protocol, search, hash, username, password }: URL): boolean {
  return /^https?:$/.test(protocol) && [search, hash, username, password].every((part) => part === '')
}
