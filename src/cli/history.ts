/**
 * The command that says who did what, as far as the nodes remember. It changes nothing.
 */
import { InvalidArgumentError, type Command } from 'commander'
import type { History, HistoryEntry, HistoryNode } from '../client.js'
import { reads, withExamples, type ReadingOptions } from './command.js'
import { asHere, daemonNow } from './daemon-clock.js'
import { ageOf, formatAgo, formatClock, plain } from './format.js'
import type { Tone } from './paint.js'
import { wrapLines } from './paragraph.js'
import { read } from './reading.js'
import { renderTable, type Column, type Look } from './table.js'

interface HistoryOptions extends ReadingOptions {
  readonly limit: number
  readonly slug?: string
  readonly act?: string
  readonly by?: string
}

const mostAtOnce = 1000

export function addHistoryCommand(program: Command): void {
  const command = program
    .command('history')
    .description(
      'who did what: of one id as all nodes remember it, which is in memory: each forgets with its start what was before. Behind a proxy FROM is the proxy',
    )
  withExamples(
    reads(command)
      .argument(
        '[id]',
        'of an instance, definition or session, or the name of a node; without, what was done at this daemon',
      )
      .option('--limit <number>', 'so many, the last ones', parseLimit, 20)
      .option('--slug <slug>', 'of instances with that slug alone', parseName)
      .option('--act <act>', 'of one kind alone, such as register, deregister, maintenance', parseName)
      .option('--by <token>', 'by one token alone, by its name', parseName)
      .action((id: string | undefined, options: HistoryOptions) => history(id, options)),
    ['rollcall history web-1', 'who registered, drained, removed it, from where'],
    ['rollcall history --by ci', 'what was done here by that token'],
    [`rollcall history --json | jq -r '.entries[] | select(.outcome == "refused") | .details'`, 'what was refused'],
  )
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (/^\d{1,4}$/.test(text) && limit >= 1 && limit <= mostAtOnce) return limit
  throw new InvalidArgumentError(`Give a whole number from 1 to ${mostAtOnce}.`)
}

/** The daemon takes an empty one for none, and tells of all. */
function parseName(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('It is empty: is a variable not set?')
}

async function history(id: string | undefined, { limit, slug, act, by, ...options }: HistoryOptions): Promise<void> {
  await read(options, {
    ask: (client) => client.history({ id, slug, act, by, limit }),
    field: 'entries',
    show: (answer, look) => shown(answer, id, look),
  })
}

function shown(answer: History, id: string | undefined, look: Look): string {
  const { entries } = answer
  const columns = [...start, ...(id === undefined ? [name] : []), ...rest, ...observersIn(answer), ...details]
  const table = entries.length === 0 ? 'nothing is remembered' : renderTable(columns, entries, look)
  return [table, '', look.paint('dim', wrapLines([known(answer)], look.width))].join('\n')
}

const tones: Partial<Readonly<Record<HistoryEntry['outcome'], Tone>>> = {
  refused: 'warn',
  failed: 'warn',
  unchanged: 'dim',
}

const start: readonly Column<HistoryEntry>[] = [
  { head: 'WHEN', cell: ({ at }) => formatAgo(ageOf(at, daemonNow())) },
  { head: 'ACT', cell: ({ act, times }) => (times === undefined ? act : `${act} ×${times}`) },
]

const name: Column<HistoryEntry> = {
  head: 'WHAT',
  cell: ({ id, slug, node }) => (id === undefined ? (slug ?? node) : slug === undefined ? id : `${slug} ${id}`),
  least: 16,
}

const rest: readonly Column<HistoryEntry>[] = [
  { head: 'BY', cell: whoOf, drop: 4 },
  { head: 'FROM', cell: ({ address }) => address, drop: 3 },
  { head: 'AT', cell: ({ node }) => node, drop: 2, least: 12 },
  { head: 'OUTCOME', cell: ({ outcome }) => outcome, tone: ({ outcome }) => tones[outcome] },
]

const details: readonly Column<HistoryEntry>[] = [
  { head: 'DETAILS', cell: ({ details }) => details, drop: 1, least: 20 },
]

/** What one node has to say of another, each of several may say: shown where anything of that kind is told. */
function observersIn({ entries, nodes }: History): readonly Column<HistoryEntry>[] {
  const observer = ({ node, peer }: HistoryEntry): string | undefined => {
    const name = nodes.find((one) => one.peer === peer)?.node ?? peer
    return name === node ? undefined : name
  }
  if (!entries.some((entry) => observer(entry) !== undefined)) return []
  return [{ head: 'SEEN BY', cell: observer, least: 12 }]
}

/** A token by its name; what nobody asked for is in brackets. */
function whoOf({ by, via }: HistoryEntry): string | undefined {
  if (via === 'daemon') return '(its node)'
  return via === 'seen' ? '(seen)' : by
}

/** `Known since 21:03:12 (12 min ago) at a, since 20:01:02 (1 h ago) at c; b could not be asked (unreachable).` */
function known({ nodes }: History): string {
  const since = nodes.flatMap(({ node, from }) =>
    from === undefined
      ? []
      : [`since ${formatClock(asHere(from))} (${formatAgo(ageOf(from, daemonNow())) ?? '-'}) at ${plain(node)}`],
  )
  const missing = nodes.flatMap((one) => (one.from === undefined ? [`${plain(one.node)} (${why[one.how]})`] : []))
  const others = missing.length === 0 ? '' : `; not asked: ${missing.join(', ')}`
  return `Known ${since.join(', ')}${others}.`
}

const why: Readonly<Record<HistoryNode['how'], string>> = {
  ...{
    self: '-',
    answered: '-',
    silent: 'does not answer',
    busy: 'was asked too much at once',
    old: 'its version remembers nothing',
  },
  ...{ unreachable: 'cannot be reached', 'not-asked': 'is connected with others' },
}
