/**
 * The signs that say how something is: never by their colour alone, since each has a shape, with a word beside it.
 */
import { type Child, type Drawn, h } from './draw.js'

export type Tone = 'good' | 'warn' | 'bad' | 'plain'

const shapes: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✗', plain: '·' }

export function mark(tone: Tone, shape = shapes[tone]): Drawn {
  return h('span', { class: `mark ${tone}`, 'aria-hidden': 'true' }, shape)
}

export function marked(tone: Tone, ...words: readonly Child[]): Drawn {
  return h('span', { class: 'marked' }, mark(tone), ' ', h('span', { class: tone }, ...words))
}

export function unseen(text: string): Drawn {
  return h('span', { class: 'unseen' }, text)
}

/** An id, a url: what is compared letter by letter. */
export function code(text: string): Drawn {
  return h('code', { title: text.slice(0, 1000) }, text.slice(0, 1000))
}

export const toneOfStatus = {
  Healthy: 'good',
  Degraded: 'warn',
  Unknown: 'warn',
  Unreachable: 'bad',
  Error: 'bad',
} as const
export const toneOfMember = { alive: 'good', hidden: 'warn', dead: 'bad', left: 'plain', unknown: 'plain' } as const
