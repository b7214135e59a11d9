/**
 * Colours by what they mean, and whether there are any. A file or a pipe gets none unless it is asked for.
 */
import { styleText } from 'node:util'

export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'strong'
export type Paint = (tone: Tone | undefined, text: string) => string

const styles = { good: 'green', warn: 'yellow', bad: 'red', dim: 'dim', strong: 'bold' } as const

/** FORCE_COLOR before NO_COLOR before what the output is, as Node and most other programs have it. */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTty: boolean): boolean {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if ((env['NO_COLOR'] ?? '') !== '') return false
  return isTty && env['TERM'] !== 'dumb'
}

export function createPaint(isColoured: boolean): Paint {
  if (!isColoured) return (_, text) => text
  return (tone, text) => (tone === undefined ? text : styleText(styles[tone], text, { validateStream: false }))
}

const toneByWord: Readonly<Record<string, Tone>> = {
  ...{ alive: 'good', Healthy: 'good', equal: 'good', healthy: 'good', shown: 'good', yes: 'good' },
  ...{ hidden: 'warn', Degraded: 'warn', differs: 'warn', Unknown: 'dim', unknown: 'dim', left: 'dim' },
  ...{ dead: 'bad', Unreachable: 'bad', Error: 'bad', broken: 'bad', no: 'bad' },
}

/** The colour of a state or status, the same in every table. */
export function toneOf(word: string | undefined): Tone | undefined {
  return word === undefined ? undefined : toneByWord[word]
}
