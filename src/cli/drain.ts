/**
 * The command before the one that stops a daemon: all that is registered there is hidden while it goes on. It stops nothing.
 */
import type { Command } from 'commander'
import type { DrainView } from '../client.js'
import { count } from '../core/words/count.js'
import { RegistryError } from '../core/model/errors.js'
import { answerOf, changes, clientOf, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { saying } from './progress.js'

export function addDrainCommand(program: Command): void {
  const command = program
    .command('drain')
    .description('hide all that is registered at the daemon from every lookup, before it is stopped')
  withExamples(
    changes(command)
      .option('--delay <duration>', 'go on waiting for so long once all nodes know, such as 5s')
      .option('--undo', 'show it again; so does a stop, and the start after it')
      .action(drain),
    ['rollcall drain && systemctl stop rollcall', 'then upgrade, and start: no call fails'],
    ['rollcall drain --undo', 'it goes on after all'],
  )
}

interface DrainOptions extends AnsweringOptions {
  readonly delay?: string
  readonly undo?: true
}

async function drain(options: DrainOptions): Promise<void> {
  const client = clientOf(options)
  const { delay, undo } = options
  const { server } = client
  if (undo) {
    if (delay !== undefined) throw new RegistryError('malformed', 'delay: does not go with --undo, which is at once')
    await client.endDrain()
    return printOutcome(options, { server, draining: false }, `what is registered at ${server} is called again`)
  }
  const drained = await saying(
    `waiting until all nodes know that ${server} drains`,
    answerOf(client, client.drain(delay === undefined ? {} : { delay }), 'acks'),
  )
  printOutcome(options, { server, draining: true, ...drained }, inWords(drained, server))
}

function inWords({ instances, acks, alive }: DrainView, server: string): string {
  const all = alive === 1 ? 'this node, alone here, holds that' : `all ${alive} nodes hold that`
  const known = acks >= alive ? all : `${acks} of ${alive} nodes have said so by now`
  return `${count(instances, 'instance')} at ${server} ${instances === 1 ? 'is' : 'are'} picked by nobody: ${known}`
}
