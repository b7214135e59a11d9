// An owner of documents, made up unless it is given the key of somebody: it signs what it likes, and begins epochs as often as it likes.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { OwnDocument } from '../../src/core/document/document.js'
import type { Entry } from '../../src/core/document/entries.js'
import type { Crypto } from '../../src/core/effects.js'
import { signHead, type SignedHead } from '../../src/core/wire/head.js'
import type { Parcel } from '../../src/core/wire/sync.js'
import { createCrypto } from '../../src/io/crypto.js'

export class HostileWriter {
  readonly owner: string
  readonly #crypto: Crypto
  readonly #document: OwnDocument
  #version = 1

  constructor(owner: string, crypto: Crypto, entries: readonly Entry[]) {
    this.owner = owner
    this.#crypto = crypto
    this.#document = new OwnDocument(crypto.hash, { entries, epoch: 1, client: 7 })
  }

  /**
   * @param bytes about as long is each of so many entries, a definition that nobody needs
   * @param given the key of somebody who runs
   */
  static async create(entries: number, bytes: number, given?: PrivateKey): Promise<HostileWriter> {
    const key = given ?? (await generateKeyPair('Ed25519'))
    const owner = peerIdFromPrivateKey(key).toString()
    const made = Array.from({ length: entries }, (_, i): Entry => {
      const id = `${owner.slice(-6)}-${i}`
      const value = JSON.stringify({ definition: { id, x: 'x'.repeat(bytes) }, stamp: 1, writer: owner })
      return { map: 'definitions', key: id, value }
    })
    return new HostileWriter(owner, createCrypto(key), made)
  }

  get signed(): SignedHead {
    const { epoch, client, entries } = this.#document
    const head = {
      owner: this.owner,
      generation: 5,
      boot: '0'.repeat(16),
      epoch,
      version: this.#version,
      incarnation: 0,
    }
    return signHead({ ...head, client, digest: entries.digest() }, this.#crypto)
  }

  get full(): Parcel {
    return { signed: this.signed, content: { type: 'full', bytes: this.#document.encode() } }
  }

  /** A change of this epoch. */
  next(value: string): Parcel {
    return this.#step(this.#document.epoch, value)
  }

  /**
   * The next epoch: some bytes for which all is built anew.
   * @param value of the change on top of it; undefined for none
   */
  nextEpoch(value?: string): Parcel {
    const { epoch } = this.#document
    this.#document.rebase(8 + this.#version)
    return this.#step(epoch, value)
  }

  #step(fromEpoch: number, value: string | undefined): Parcel {
    const fromVersion = this.#version
    this.#version += 1
    const changes = value === undefined ? [] : [{ map: 'definitions', key: 'k', after: value } as const]
    const bytes = changes.length === 0 ? new Uint8Array() : this.#document.write(changes)
    return { signed: this.signed, content: { type: 'step', fromEpoch, fromVersion, bytes } }
  }
}
