/**
 * What to say of a name that nothing is registered as: that something was, where the daemons remember that. It blames nobody.
 */
import type { Client, History } from '../client.js'
import { shellWord } from '../core/words/shell.js'
import { daemonNow } from './daemon-clock.js'
import { ageOf, formatAgo, plain } from './format.js'

/**
 * @returns the end of a sentence, which names the last that was done and who tells the rest; undefined where nothing is remembered, or
 * cannot be asked for, as of a daemon of an earlier version
 */
export async function rememberedOf(client: Client, name: string): Promise<string | undefined> {
  const [ofSlug, ofId] = await Promise.all([
    client.history({ slug: name, limit: 1 }).catch(() => undefined),
    client.history({ id: name, limit: 1 }).catch(() => undefined),
  ])
  return said(ofSlug, `--slug ${shellWord(name)}`) ?? said(ofId, shellWord(name))
}

function said(history: Partial<History> | undefined, which: string): string | undefined {
  const [last] = history?.entries ?? []
  if (last === undefined) return undefined
  const { act, outcome, details, at } = last
  // What was refused never was.
  const what = outcome === 'done' || outcome === 'unchanged' ? act : `${act}, ${outcome}`
  const why = details === undefined ? '' : ` (${plain(details)})`
  return `the last that is remembered of it is: ${what}${why}, ${formatAgo(ageOf(at, daemonNow())) ?? '-'}; all of that: rollcall history ${which}`
}
