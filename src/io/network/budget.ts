/**
 * What many may hold together, of bytes that nobody can use yet: where that is too much, whoever holds most gives way, so that nobody is
 * hurt for what others hold. It holds nothing itself.
 */

export interface Share {
  readonly bytes: number
  set(bytes: number): void
  /** It holds nothing any more, and is not asked to. */
  end(): void
}

export class Budget {
  readonly #most: number
  readonly #shares = new Map<Share, () => void>()
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** @param giveWay ends that share */
  open(giveWay: () => void): Share {
    let bytes = 0
    const set = (now: number): void => {
      if (!this.#shares.has(share)) return
      this.#bytes += now - bytes
      bytes = now
      if (this.#bytes > this.#most) this.#giveWay()
    }
    const share: Share = {
      get bytes() {
        return bytes
      },
      set,
      end: () => {
        set(0)
        this.#shares.delete(share)
      },
    }
    this.#shares.set(share, giveWay)
    return share
  }

  #giveWay(): void {
    const [first, ...others] = this.#shares
    if (first === undefined) return
    const [most, giveWay] = others.reduce((some, one) => (one[0].bytes > some[0].bytes ? one : some), first)
    most.end()
    giveWay()
  }
}
