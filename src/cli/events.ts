/**
 * The command that tells what happens in the cluster, one line for each event, until it is ended.
 */
import { Option, type Command } from 'commander'
import type { NewsItem } from '../core/views.js'
import {
  answerOf,
  clientOf,
  jsonOf,
  lookOfOutput,
  printLines,
  takesJson,
  takesServer,
  withExamples,
} from './command.js'
import type { AnsweringOptions } from './command.js'
import { asHere } from './daemon-clock.js'
import { formatClock, plain } from './format.js'
import { untilInterrupted } from './interrupt.js'
import { toneOf } from './paint.js'
import type { Look } from './table.js'

export function addWatchCommand(program: Command): void {
  const command = program.command('watch').description('what happens, as it happens: members, instances')
  withExamples(
    takesJson(takesServer(command))
      .option('--slug <slug>', 'only the instances of one service')
      .addOption(new Option('--type <type>', 'only events of one type').choices(['member', 'instance']))
      .action(watch),
    ['rollcall watch', 'a line for each event, until Ctrl-C'],
    ['rollcall watch --slug web --json | while read -r event; do ./reload.sh; done', 'act on each'],
  )
}

interface WatchOptions extends AnsweringOptions {
  readonly slug?: string
  readonly type?: 'member' | 'instance'
}

async function watch(options: WatchOptions): Promise<void> {
  const client = clientOf(options)
  // Whoever does not answer this, or refuses it, is better told apart here than by a stream that does not open.
  await answerOf(client, client.self(), 'nodeId')
  const { slug, type } = options
  const onInterruption = (why: Error | undefined): void => {
    const words = why === undefined ? `${client.server} answers again` : `${plain(why.message)}; trying again`
    process.stderr.write(`rollcall: ${words}\n`)
  }
  await untilInterrupted(async (signal) => {
    const query = { signal, onInterruption, ...(slug !== undefined && { slug }), ...(type !== undefined && { type }) }
    for await (const item of client.events(query)) {
      if (options.json) printLines(jsonOf(item))
      else if (item.event.type !== 'listening') printLines(formatEvent(item, lookOfOutput()))
    }
  })
}

/** One event in one line; what stays the same is at the same place. */
export function formatEvent({ at, event }: NewsItem, { paint }: Look): string {
  const time = paint('dim', formatClock(asHere(at)))
  if (event.type === 'listening') return `${time}  ${paint('dim', 'listening')}`
  if (event.type === 'reset') return `${time}  ${paint('warn', 'events were missed here')}`
  if (event.type === 'member') {
    const { nodeId, peer, from, to, why } = event
    return `${time}  member    ${plain(nodeId ?? peer)}  ${from} → ${paint(toneOf(to), to)}  ${paint('dim', plain(why))}`
  }
  const { id, slug, change, instance } = event
  const tone = change === 'hidden' ? 'bad' : toneOf(instance?.status)
  const rest =
    instance === undefined ? '' : `  ${plain(instance.url)}  ${paint(toneOf(instance.status), instance.status)}`
  return `${time}  instance  ${plain(slug ?? '-')}  ${plain(id)}  ${paint(tone, change)}${rest}`
}
