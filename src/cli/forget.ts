/**
 * The command that forgets a node for everybody. A wrong one is harmless: a node that lives comes back by itself.
 */
import type { Command } from 'commander'
import { RegistryError } from '../core/model/errors.js'
import { nameOf } from './cluster.js'
import { changes, clientOf, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { formatAge } from './format.js'
import { memberNamed } from './member-meant.js'

export function addForceLeaveCommand(program: Command): void {
  const command = program.command('force-leave').description('forget a node that will not come back, on every node')
  withExamples(
    changes(command).argument('<node>', 'its id, url or peer id, as members shows them').action(forceLeave),
    ['rollcall force-leave node-c', 'after its machine is gone for good'],
  )
}

async function forceLeave(asked: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  const member = await memberNamed(client, asked)
  if (member.url === undefined) {
    throw new RegistryError(
      'conflict',
      `${nameOf(member)} has told no url, and only who has a record is forgotten; it goes by itself after 72 h`,
    )
  }
  await client.removeNode(member.peer) // not its url: another node may have the same one
  const { peer, nodeId, url, state, stateAge_ms } = member
  const was =
    state === 'alive' ? 'it was alive: if it still is' : `it was ${state} for ${formatAge(stateAge_ms)!}; if it lives`
  printOutcome(
    options,
    { peer, nodeId: nodeId ?? null, url },
    `forgot ${nameOf(member)} (${was}, it comes back by itself)`,
  )
}
