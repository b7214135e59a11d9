/**
 * What people are told of a disk that refuses writes: the first time of each kind, then that it is over. It tries nothing again.
 */

/** The generation, before anything is said in its name; this node's own records; copies of the records of others. */
export type Written = 'generation' | 'own' | 'copies'

/** What a refusal means, and its end. */
const words: Readonly<Record<Written, { readonly meanwhile: string; readonly over: string }>> = {
  generation: { meanwhile: 'this node stays silent until it can be written', over: 'this node goes on' },
  own: { meanwhile: 'writes fail until it takes them; free or repair it', over: 'writes are accepted' },
  copies: {
    meanwhile: 'they are held in memory, and fetched again after a restart; free or repair it',
    over: 'they are kept again',
  },
}

const names: Readonly<Record<Written, string>> = {
  generation: 'the generation of this node',
  own: 'the records of this node',
  copies: 'copies of the records of other nodes',
}

export class DiskNews {
  readonly #refused = new Set<Written>()

  /**
   * @param error absent: it is on disk
   * @returns a sentence where that is news
   */
  stored(what: Written, error: string | undefined): string | undefined {
    const isRefused = this.#refused.has(what)
    if (isRefused === (error !== undefined)) return undefined
    const { meanwhile, over } = words[what]
    if (error === undefined) {
      this.#refused.delete(what)
      return `the disk takes ${names[what]} again: ${over}`
    }
    this.#refused.add(what)
    return `the disk refuses ${names[what]} (${error}): ${meanwhile}`
  }
}
