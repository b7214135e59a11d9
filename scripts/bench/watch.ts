// Hears of events the moment they happen, from a daemon's event stream or another program's log, instead of asking again and again.
import { once } from 'node:events'
import { get, type ClientRequest, type IncomingMessage } from 'node:http'

const limit_ms = 120_000

/** A line of text, and when it arrived. */
interface Heard {
  readonly text: string
  readonly at: number
}

/** What has been said so far, and who waits for more. */
export class Ear {
  readonly #heard: Heard[] = []
  readonly #waiting = new Set<(heard: Heard) => void>()
  #rest = ''

  /** Takes bytes as they come; lines count once they are whole. */
  take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    const at = performance.now()
    for (const line of lines) this.#tell({ text: line, at })
  }

  #tell(heard: Heard): void {
    this.#heard.push(heard)
    for (const tell of this.#waiting) tell(heard)
  }

  /** @returns when the first line after `since` arrived that `matches` */
  when(what: string, since: number, matches: (text: string) => boolean): Promise<number> {
    const known = this.#heard.find(({ text, at }) => at >= since && matches(text))
    if (known !== undefined) return Promise.resolve(known.at)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(tell)
        reject(new Error(`never heard: ${what}`))
      }, limit_ms)
      const tell = (heard: Heard): void => {
        if (heard.at < since || !matches(heard.text)) return
        clearTimeout(timer)
        this.#waiting.delete(tell)
        resolve(heard.at)
      }
      this.#waiting.add(tell)
    })
  }

  /** What was said until now is of no interest any more. */
  forget(): void {
    this.#heard.length = 0
  }
}

/** The event stream of one daemon. */
export class EventStream {
  readonly ear = new Ear()
  readonly #request: ClientRequest

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.ear.take(text))
    response.on('error', () => undefined) // the daemon was killed, as it should be
  }

  static async of(url: string): Promise<EventStream> {
    const request = get(`${url}/v1/events`, { agent: false, headers: { accept: 'text/event-stream' } })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    if (response.statusCode !== 200) throw new Error(`${url}/v1/events answered ${response.statusCode}`)
    request.on('error', () => undefined)
    return new EventStream(request, response)
  }

  close(): void {
    this.#request.destroy()
  }
}
