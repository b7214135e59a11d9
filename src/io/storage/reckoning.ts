/**
 * Keeps count of the values of one document, so that what LevelDB loses of it without a word is noticed. It reads and writes nothing.
 *
 *     meta/reckoning   <owner> <writes> <sum>   goes with every batch that touches the document: how many did so, and the sum of
 *                                               the checksums of all values that it has now
 *     written          <writes>                 a file beside the database, of now and then: so many at least were acknowledged
 *
 * Damage in the middle of a log drops what follows in its block, and LevelDB reads on behind it: values and sum disagree. A log
 * that is gone, or cut off, leaves what once stood: values and sum agree, and the writes are fewer than the file says. The file may
 * be late, never early: nobody who was killed, or lost power, is told of a loss that is none.
 *
 * Earlier versions of this program drop the reckoning, and keep the file: whoever goes back to one, and on again, is told once of a loss
 * that is none.
 *
 * It is for the own document, each write of which is synced. Of copies LevelDB may lose some where the power goes, since it does not
 * sync a log that it leaves; those are fetched again.
 */
import type { PeerId } from '../../core/model/model.js'
import { checksumOf, encodeText, reckoningKey } from './records.js'

export type BatchPart =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

/** As it was last written. */
export interface ToldReckoning {
  readonly owner: PeerId
  readonly writes: number
  readonly sum: number
}

export class Reckoning {
  readonly owner: PeerId
  #writes: number
  #sum: number
  readonly #checksums: Map<string, number>

  constructor({ owner, writes, sum }: ToldReckoning, checksums: ReadonlyMap<string, number>) {
    this.owner = owner
    this.#writes = writes
    this.#sum = sum
    this.#checksums = new Map(checksums)
  }

  get writes(): number {
    return this.#writes
  }

  /** @returns what goes with the batch: nothing where it does not touch the document */
  follow(batch: readonly BatchPart[]): BatchPart[] {
    const prefix = documentPrefix(this.owner)
    const own = batch.filter(({ key }) => key.startsWith(prefix))
    if (own.length === 0) return []
    for (const part of own) this.#take(part)
    this.#writes += 1
    return [this.asPart()]
  }

  asPart(): BatchPart {
    const value = encodeText(reckoningKey, `${this.owner} ${this.#writes} ${this.#sum}`)
    return { type: 'put', key: reckoningKey, value }
  }

  #take(part: BatchPart): void {
    this.#sum ^= this.#checksums.get(part.key) ?? 0
    this.#checksums.delete(part.key)
    if (part.type === 'del') return
    const checksum = checksumOf(part.value)
    this.#checksums.set(part.key, checksum)
    this.#sum ^= checksum
  }
}

export function documentPrefix(owner: PeerId): string {
  return `doc/${owner}/`
}

export function sumOf(checksums: ReadonlyMap<string, number>): number {
  return [...checksums.values()].reduce((sum, checksum) => sum ^ checksum, 0)
}

/** @returns undefined where it makes no sense */
export function parseReckoning(text: string): ToldReckoning | undefined {
  const [, owner, writes, sum] = /^([A-Za-z0-9]{1,128}) (\d{1,15}) (-?\d{1,10})$/.exec(text) ?? []
  return owner === undefined ? undefined : { owner, writes: Number(writes), sum: Number(sum) }
}

/** @param written what the file says. @returns what is wrong with the document, if anything */
export function lossOf(told: ToldReckoning | undefined, sum: number, written: number): string | undefined {
  if (told === undefined)
    return written === 0 ? undefined : 'how much was written of the own document is not in it any more'
  if (told.sum !== sum) return 'what it holds of the own document is not what was last written'
  return told.writes < written ? `it has ${told.writes} of ${written} writes of the own document` : undefined
}
