/**
 * The commands that say something of an instance that is registered already, without registering it again: its home node hears it,
 * whichever is asked.
 */
import type { Command } from 'commander'
import type { Changes } from '../client.js'
import { unknownName } from '../config/nearest.js'
import { RegistryError } from '../core/model/errors.js'
import { instanceStatuses, type InstanceStatus } from '../core/model/model.js'
import { answerOf, changes, clientOf, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { plain } from './format.js'
import { whichInstance } from './maintenance.js'
import { toInstance } from './meant.js'
import { numberGiven, takesChanges } from './traits.js'

export function addActCommands(program: Command): void {
  withExamples(
    takesChanges(changes(program.command('update').description('change what an instance says of itself')))
      .argument('<id>', whichInstance)
      .option('--tag <tag...>', 'in place of all that it has; one empty one takes them away')
      .action(update),
    ['rollcall update web-1 --weight 0', 'picked only where nothing else is left'],
  )
  withExamples(
    changes(program.command('renew').description('let an instance that has a ttl live for one more'))
      .argument('<id>', whichInstance)
      .action(renew),
    ['rollcall renew job-1', 'within its ttl, again and again'],
  )
  withExamples(
    changes(
      program
        .command('report')
        .description('say how an instance is, by itself: the worse of that and its checks counts'),
    )
      .argument('<id>', whichInstance)
      .argument('<status>', instanceStatuses.join(', '))
      .option('--details <text>', 'why, for people')
      .option('--for <duration>', 'how long that is to be believed, such as 30s; else until it is said anew')
      .action(report),
    ['rollcall report web-1 Error --details "no database" --for 1m', 'seen by all callers'],
  )
  withExamples(
    changes(program.command('suspect').description('it did not answer: let its node look at it now'))
      .argument('<id>', whichInstance)
      .action(suspect),
    ['rollcall suspect web-1', 'what its node finds'],
  )
}

interface UpdateOptions extends AnsweringOptions {
  readonly metadata?: Readonly<Record<string, string>>
  readonly weight?: string
  readonly tag?: readonly string[]
}

async function update(asked: string, options: UpdateOptions): Promise<void> {
  const client = clientOf(options)
  const { metadata, weight, tag } = options
  const tags = tag?.filter((one) => one !== '')
  const said = Object.entries({ metadata, weight: numberGiven(weight), tags }).filter(
    ([, value]) => value !== undefined,
  )
  if (said.length === 0) throw new RegistryError('malformed', 'give what is to change: --weight, --tag or --metadata')
  const id = await toInstance(client, asked, (id) => client.update(id, Object.fromEntries(said) as Changes))
  printOutcome(options, { id }, `updated ${id}`)
}

async function renew(asked: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  const id = await toInstance(client, asked, (id) => client.renew(id))
  printOutcome(options, { id }, `renewed ${id}`)
}

interface ReportOptions extends AnsweringOptions {
  readonly details?: string
  readonly for?: string
}

async function report(asked: string, word: string, options: ReportOptions): Promise<void> {
  const client = clientOf(options)
  const status = statusOf(word)
  const { details, for: how_long } = options
  const said = { ...(details !== undefined && { details }), ...(how_long !== undefined && { for: how_long }) }
  const id = await toInstance(client, asked, (id) => client.setStatus(id, status, said))
  printOutcome(options, { id, status }, `${id} says that it is ${status}`)
}

/** However it is written. @throws RegistryError `malformed` */
function statusOf(word: string): InstanceStatus {
  const status = instanceStatuses.find((one) => one.toLowerCase() === word.toLowerCase())
  if (status === undefined) throw new RegistryError('malformed', unknownName(word, instanceStatuses, 'status'))
  return status
}

async function suspect(asked: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  const found: { status?: InstanceStatus; details?: string; checked?: boolean } = {}
  const id = await toInstance(client, asked, async (id) =>
    Object.assign(found, await answerOf(client, client.suspect(id), 'status')),
  )
  const { status = 'Unknown', details, checked = false } = found
  const seen = checked ? 'looked at' : 'not looked at anew, since that was done a moment ago'
  printOutcome(
    options,
    { id, ...found },
    `${id}: ${status}${details === undefined ? '' : ` (${plain(details)})`}; ${seen}`,
  )
}
