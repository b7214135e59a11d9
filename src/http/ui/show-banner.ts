/**
 * The first thing that its reader sees: is anything wrong now, since when, whose view this is, how old it is.
 */
import { type Child, type Drawn, h } from './draw.js'
import type { Held } from './held.js'
import { mark, type Tone, unseen } from './marks.js'
import { otherPages } from './pages.js'
import { hashOf } from './route.js'
import type { Problem } from './verdict.js'
import { ageOf, clipped, clockOf, count } from './words.js'

/** What does not fit there is folded: on a phone all but what is wrong first of all. */
const shownAtOnce = { wide: 4, narrow: 1 } as const
const pagesShown = 12

/** What is wrong, with when this page saw it first. */
export interface Seen {
  readonly problem: Problem
  readonly first_ms: number
  /** It was so already when the page was opened. */
  readonly wasBefore: boolean
}

export interface Banner {
  readonly held: Held
  readonly problems: readonly Seen[]
  /** All of them, not the first few. */
  readonly isOpen: boolean
  /** It is a phone's: what to do is folded, too. */
  readonly isNarrow: boolean
  readonly toggle: () => void
  readonly askForToken: () => void
}

export function headlineOf({ held, problems }: Pick<Banner, 'held' | 'problems'>): {
  readonly tone: Tone
  readonly text: string
} {
  const { known, trouble } = held
  const node = known.self === undefined ? 'This node' : `Node ${known.self.nodeId}`
  if (trouble?.asksForToken === true) return { tone: 'warn', text: `${node} wants a token` }
  if (trouble !== undefined) return { tone: 'bad', text: `${node} does not answer` }
  if (known.self === undefined || known.rows === undefined) return { tone: 'plain', text: 'Asking this node…' }
  const errors = problems.filter(({ problem }) => problem.severity === 'error').length
  if (errors > 0) return { tone: 'bad', text: errors === 1 ? 'One thing is wrong' : `${errors} things are wrong` }
  if (problems.length > 0) return { tone: 'warn', text: `${count(problems.length, 'thing')} to look at` }
  if (known.findings !== undefined) return { tone: 'good', text: 'All is well' }
  if (known.isDoctorSilent === true) return { tone: 'warn', text: 'Nothing wrong here; the doctor does not answer' }
  return { tone: 'plain', text: 'Asking all nodes…' }
}

export function banner(parts: Banner): readonly Child[] {
  const { held, problems, askForToken } = parts
  const { tone, text } = headlineOf(parts)
  const { trouble } = held
  return [
    h('h1', { class: tone }, mark(tone), ' ', text),
    h('p', { class: 'whose' }, trouble === undefined ? whoseView(held, problems) : awaySince(held)),
    trouble?.asksForToken === true && h('p', {}, h('button', { type: 'button', onclick: askForToken }, 'Give a token')),
    trouble !== undefined && !trouble.asksForToken && others(held),
    trouble === undefined && problems.length > 0 && problemList(parts),
  ]
}

function whoseView(held: Held, problems: readonly Seen[]): readonly Child[] {
  const { self, peers, members } = held.known
  if (self === undefined) return []
  const now = Date.now()
  const errors = problems.filter(({ problem }) => problem.severity === 'error')
  const worst = (errors.length > 0 ? errors : problems).map((seen) => seen.problem.since_ms ?? seen.first_ms)
  const first = Math.min(...worst)
  const isBefore = problems.some(
    ({ problem, first_ms, wasBefore }) => wasBefore && problem.since_ms === undefined && first_ms === first,
  )
  const alive = members.filter(({ state }) => state === 'alive').length
  return [
    worst.length > 0 && [
      h('strong', {}, `since ${isBefore ? 'before ' : ''}${clockOf(first, now)}`),
      isBefore ? ' · ' : ` (${ageOf(now - first)}) · `,
    ],
    'as ',
    h('strong', {}, self.nodeId),
    ` sees it, one of ${count(alive, 'living node')}${peers === undefined ? '' : `, ${peers.summary}`} · `,
    h('span', { class: held.isLive ? 'live' : 'dim' }, held.isLive ? 'live, ' : '', `${ageOf(held.ageOf('self'))} old`),
  ]
}

function awaySince(held: Held): readonly Child[] {
  const { trouble } = held
  if (trouble === undefined) return []
  const now = Date.now()
  const since = `since ${clockOf(trouble.since_ms, now)}`
  if (trouble.asksForToken) return [`${clipped(trouble.why)} `]
  return [
    h('strong', {}, since),
    ` (${ageOf(now - trouble.since_ms)}): ${trouble.why}. What is shown below is as of then; it is asked again by itself.`,
  ]
}

/** Whoever can still be asked. */
function others({ known }: Held): Child {
  const pages = otherPages(known)
  if (pages.length === 0) return h('p', {}, 'No other node with a page was known.')
  return h(
    'p',
    { class: 'others' },
    'Ask another node: ',
    pages
      .slice(0, pagesShown)
      .map(({ name, href, isAlive }) => [
        h('a', { key: `${name} ${href}`, href, rel: 'noreferrer' }, name),
        isAlive ? ' ' : ' (not alive then) ',
      ]),
    pages.length > pagesShown && `and ${pages.length - pagesShown} more, under Nodes`,
  )
}

function problemList({ problems, isOpen, isNarrow, toggle }: Banner): Drawn {
  const now = Date.now()
  const atOnce = isNarrow ? shownAtOnce.narrow : shownAtOnce.wide
  const shown = isOpen ? problems : problems.slice(0, atOnce)
  const isFolded = isNarrow && !isOpen
  const item = ({ problem, first_ms, wasBefore }: Seen): Drawn => {
    const { key, severity, text, remedy, since_ms, to } = problem
    const tone = severity === 'error' ? 'bad' : 'warn'
    const since =
      since_ms === undefined && wasBefore ? `before ${clockOf(first_ms, now)}` : clockOf(since_ms ?? first_ms, now)
    return h(
      'li',
      { key },
      mark(tone),
      unseen(`${severity}: `),
      h(
        'span',
        { class: 'problem' },
        h('a', { href: hashOf(to) }, clipped(text)),
        remedy !== undefined && !isFolded && h('span', { class: 'dim' }, ` → ${clipped(remedy)}`),
      ),
      h('span', { class: 'dim since' }, `since ${since}`),
    )
  }
  const more = problems.length - atOnce
  const folded = [
    ...(isNarrow && shown.some(({ problem }) => problem.remedy !== undefined) ? ['what to do'] : []),
    ...(more > 0 ? [`${more} more`] : []),
  ]
  return h(
    'ol',
    { class: 'problems' },
    shown.map(item),
    folded.length > 0 &&
      h(
        'li',
        { key: '\u0000more' },
        h(
          'button',
          { type: 'button', class: 'plain', 'aria-expanded': String(isOpen), onclick: toggle },
          isOpen ? 'show less' : `${isNarrow ? '' : 'and '}${folded.join(', and ')}`,
        ),
      ),
  )
}
