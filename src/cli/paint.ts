/**
 * Gives what is printed colours that mean something. A file or a pipe gets none unless it is asked for.
 */
import { styleText } from 'node:util'
import type { InstanceStatus } from '../core/model/model.js'
import type { MemberState } from '../core/views.js'

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

const toneByStatus: Readonly<Record<InstanceStatus, Tone>> = {
  Healthy: 'good',
  Degraded: 'warn',
  Unknown: 'dim',
  Unreachable: 'bad',
  Error: 'bad',
}

const toneByState: Readonly<Record<MemberState, Tone>> = {
  alive: 'good',
  hidden: 'warn',
  unknown: 'dim',
  left: 'dim',
  dead: 'bad',
}

/** What tables say of other things. */
const toneByAnswer = { yes: 'good', no: 'bad', equal: 'good', differs: 'warn', healthy: 'good', broken: 'bad' } as const

const toneByWord: ReadonlyMap<string, Tone> = new Map(
  Object.entries({ ...toneByStatus, ...toneByState, ...toneByAnswer }),
)

/** The colour of a state or status, the same in every table; none for words that only a later daemon knows. */
export function toneOf(word: string | undefined): Tone | undefined {
  return word === undefined ? undefined : toneByWord.get(word)
}
