/**
 * What answers at the urls of a test, or does not. Nothing is sent anywhere.
 */
import { untilAborted } from '../client/pause.js'
import { RegistryError } from '../core/model/errors.js'
import { urlEndpoint } from '../core/model/url.js'

/** Answers what is asked of one place. */
export type Answering = (request: Request) => Response | Promise<Response>

export class Services {
  readonly #fetch: typeof fetch | undefined
  readonly #answering = new Map<string, Answering>()
  readonly #down = new Set<string>()

  /** @param given answers what nobody else here does */
  constructor(given: typeof fetch | undefined) {
    this.#fetch = given
  }

  /** @throws RegistryError `malformed` */
  handle(url: string, answering: Answering): void {
    if (typeof url !== 'string' || urlEndpoint(url) === undefined)
      throw new RegistryError('malformed', 'url: must be one with a host, such as http://10.0.0.7:8080')
    if (typeof answering !== 'function')
      throw new RegistryError('malformed', 'answering: must be a function, such as (request) => new Response("hello")')
    this.#answering.set(placeOf(url), answering)
  }

  setDown(url: string, isDown: boolean): void {
    if (isDown) this.#down.add(placeOf(url))
    else this.#down.delete(placeOf(url))
  }

  isDown(url: string): boolean {
    return this.#down.has(placeOf(url))
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url
    if (this.isDown(url)) throw refused(placeOf(url))
    const answering = this.#answering.get(placeOf(url))
    if (answering !== undefined) {
      const request = new Request(input, init)
      const response: unknown = await untilAborted(request.signal, async () => answering(request))
      if (response instanceof Response) return response
      throw new RegistryError('malformed', `answering: what handles ${placeOf(url)} in this test gave no Response`)
    }
    if (this.#fetch !== undefined) return this.#fetch(input, init)
    throw new RegistryError(
      'unavailable',
      `fetch: nothing answers at ${placeOf(url)} in this test; say what does by handle(url, answering), or by createTestRegistry({ fetch })`,
    )
  }
}

/** Host, port. */
function placeOf(url: string): string {
  const { host, port } = urlEndpoint(url) ?? { host: url, port: '' }
  return `${host}:${port}`
}

/** As the fetch of Node says it. */
function refused(place: string): TypeError {
  const cause = Object.assign(new Error(`connect ECONNREFUSED ${place}`), { code: 'ECONNREFUSED' })
  return new TypeError('fetch failed', { cause })
}
