/**
 * Other windows of this browser that show the page of the same daemon. A browser keeps six connections to a server, for all of its windows:
 * were each to keep one for the news, nobody could ask anything any more, and a daemon that is well would be said not to answer.
 */

/** Those that began last. The others ask now and then. */
const listenersAtMost = 3

interface Said {
  readonly from: string
  readonly listens: boolean
}

export class Windows {
  /** Of this window; `randomUUID` is there for pages of https and localhost alone. */
  readonly #name = `${Date.now()} ${Math.random()}`
  readonly #channel = openChannel()
  /** Those that began to listen after this one, and have not ended. */
  readonly #later = new Set<string>()
  #giveWay: (() => void) | undefined

  constructor() {
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Said>) => this.#hear(data))
  }

  /** @param giveWay is called at most once: so many others began since that they should have the connection */
  begin(giveWay: () => void): void {
    this.#later.clear()
    this.#giveWay = giveWay
    this.#tell(true)
  }

  end(): void {
    this.#giveWay = undefined
    this.#tell(false)
  }

  #hear({ from, listens }: Said): void {
    if (!listens) this.#later.delete(from)
    else this.#later.add(from)
    if (this.#later.size < listenersAtMost) return
    this.#giveWay?.()
    this.#giveWay = undefined
  }

  #tell(listens: boolean): void {
    this.#channel?.postMessage({ from: this.#name, listens } satisfies Said)
  }
}

/** None where the browser lets pages know nothing of each other. */
function openChannel(): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel('rollcall-news')
  } catch {
    return undefined
  }
}
