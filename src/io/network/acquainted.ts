/**
 * Which addresses lead to somebody whom this daemon has already, so that those behind a name who are strangers can be told from
 * them. It dials nobody.
 */
import { BoundedMap } from '../../core/basics/bounded-map.js'
import type { PeerId } from '../../core/model/model.js'
import type { AddressBook } from './book.js'

const addressLimit = 1_024

export class Acquainted {
  readonly #book: Pick<AddressBook, 'peers' | 'addresses'>
  readonly #isHad: (peer: PeerId) => boolean
  /** Who answered at addresses that he may not speak of himself: that of a port mapping, say. */
  readonly #answered = new BoundedMap<string, PeerId>(addressLimit)

  /** @param isHad connected, or known well enough to need no connection */
  constructor(book: Pick<AddressBook, 'peers' | 'addresses'>, isHad: (peer: PeerId) => boolean) {
    this.#book = book
    this.#isHad = isHad
  }

  note(address: string, peer: PeerId): void {
    this.#answered.set(address, peer)
  }

  /** Those of the addresses that lead to nobody whom we have. An address may be somebody else's by now: who is gone has none. */
  strangersAt(addresses: readonly string[]): string[] {
    const had = new Set(
      this.#book
        .peers()
        .filter(this.#isHad)
        .flatMap((peer) => this.#book.addresses(peer)),
    )
    return addresses.filter((address) => {
      const peer = this.#answered.get(address)
      return !had.has(address) && (peer === undefined || !this.#isHad(peer))
    })
  }
}
