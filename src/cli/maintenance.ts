/**
 * The command that keeps instances out of every lookup while they go on running. It also puts them back.
 */
import type { Command } from 'commander'
import type { Client, ManyResult, Which } from '../client.js'
import { RegistryError } from '../core/model/errors.js'
import {
  AllSaid,
  answerOf,
  changes,
  clientOf,
  exitCodes,
  printOutcome,
  withExamples,
  type AnsweringOptions,
} from './command.js'
import { plain } from './format.js'
import { toInstance } from './meant.js'
import { memberMeant, whichNode } from './member-meant.js'

/** What `--check` takes, wherever a command registers something. */
export const checkHelp =
  'how its node checks it: tcp (default), http:/path or https:/path (2xx and 3xx are healthy), reported (by rollcall report), none (always healthy), or JSON, such as {"http": {"path": "/healthz"}, "interval": "2s"}'

export const whichInstance = 'the id of the instance, also as tables shorten it'

export function addMaintenanceCommand(program: Command): void {
  const command = changes(program.command('maintenance').description('hide instances from lookups, or show them again'))
  const on = command
    .command('on')
    .description('hide one, or all of a service, a node or a zone; restarts of their programs do not end it')
  withExamples(
    which(changes(on)).option('--reason <text>', 'what `instances --all` says of it').action(hide),
    ['rollcall maintenance on web-1 --reason "new disk"', 'callers go elsewhere; it goes on running'],
    ['rollcall maintenance on --node abc', 'all that is registered there'],
  )
  const off = command.command('off').description('show one, or all of a service, a node or a zone, again')
  withExamples(which(changes(off)).action(show), ['rollcall maintenance off web-1', 'in every lookup again'])
}

function which(command: Command): Command {
  return command
    .argument('[id]', whichInstance)
    .option('--slug <slug>', 'all of one service')
    .option('--node <node>', `all registered at one node (${whichNode})`)
    .option('--zone <zone>', 'all in one zone: their own, else that of their node')
}

interface MaintenanceOptions extends AnsweringOptions, Which {
  readonly reason?: string
}

/** @returns undefined where one is named by its id */
function manyOf(id: string | undefined, { slug, node, zone }: MaintenanceOptions): Which | undefined {
  const given = Object.entries({ slug, node, zone }).filter(([, value]) => value !== undefined)
  if ((id === undefined) === (given.length === 0))
    throw new RegistryError('malformed', 'give the id of an instance, or some of --slug, --node, --zone')
  return id === undefined ? (Object.fromEntries(given) as Which) : undefined
}

async function hide(asked: string | undefined, options: MaintenanceOptions): Promise<void> {
  const client = clientOf(options)
  const many = manyOf(asked, options)
  if (many !== undefined)
    return printMany(
      options,
      await toMany(client, many, (which) => client.setMaintenanceOfAll(which, options.reason)),
      'in maintenance',
    )
  const id = await toInstance(client, asked as string, (id) => client.setMaintenance(id, options.reason))
  printOutcome(options, { id }, `${id} is in maintenance: no lookup shows it`)
}

async function show(asked: string | undefined, options: MaintenanceOptions): Promise<void> {
  const client = clientOf(options)
  const many = manyOf(asked, options)
  if (many !== undefined)
    return printMany(
      options,
      await toMany(client, many, (which) => client.endMaintenanceOfAll(which)),
      'back in service',
    )
  const id = await toInstance(client, asked as string, (id) => client.endMaintenance(id))
  printOutcome(options, { id }, `${id} is back in service`)
}

/** A node may be shortened as tables do it; a whole name costs no further question. */
async function toMany(client: Client, many: Which, act: (which: Which) => Promise<ManyResult>): Promise<ManyResult> {
  try {
    return await answerOf(client, act(many), 'failed')
  } catch (error) {
    const isUnknown = error instanceof RegistryError && error.code === 'not-found'
    if (!isUnknown || many.node === undefined) throw error
    const { peer, nodeId, url } = await memberMeant(client, many.node)
    if ([peer, nodeId, url].includes(many.node)) throw error
    return act({ ...many, node: peer })
  }
}

/** What was done to which; a failure of one is a failure of the command. */
function printMany(options: AnsweringOptions, result: ManyResult, what: string): void {
  const { done, failed } = result
  const lines = [
    ...done.map((id) => `${plain(id)} is ${what}`),
    ...failed.map((one) => `${plain(one.id)} is not: ${plain(one.error)}`),
  ]
  printOutcome(options, result, lines.join('\n'))
  if (failed.length > 0) throw new AllSaid(exitCodes.failed)
}
