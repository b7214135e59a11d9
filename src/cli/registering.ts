/**
 * The commands that register an instance, or take it out again. Its home is the daemon that is asked.
 */
import type { Command } from 'commander'
import { changes, clientOf, fitErrors, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { checkHelp, whichInstance } from './maintenance.js'
import { toInstance } from './meant.js'
import { reachWarning } from './reach-warning.js'

export function addRegisteringCommands(program: Command): void {
  const register = program.command('register').description('register an instance; again with the same url updates it')
  withExamples(
    changes(register)
      .requiredOption('--url <url>', 'where the instance is called')
      .option('--slug <slug>', 'the name that callers look it up by')
      .option('--id <id>', 'default: derived from slug and url')
      .option('--deployment-id <id>', 'the deployment that it belongs to')
      .option('--tag <tag...>', 'tags to find it by')
      .option('--check <check>', checkHelp)
      .action(add),
    ['rollcall register --url http://10.0.0.7:8080 --slug web', 'found as web from now on, on every node'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web --tag blue eu', 'with tags'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web --check http:/healthz', 'asked whether it is well'],
  )
  const deregister = program.command('deregister').description('remove an instance, wherever it was registered')
  withExamples(changes(deregister).argument('<id>', whichInstance).action(remove), [
    'rollcall deregister inst_0f3a',
    'rollcall instances shows the ids',
  ])
}

interface RegisterOptions extends AnsweringOptions {
  readonly url: string
  readonly slug?: string
  readonly id?: string
  readonly deploymentId?: string
  readonly tag?: readonly string[]
  readonly check?: string
}

async function add(options: RegisterOptions): Promise<void> {
  const { tag: tags, url, slug, id, deploymentId, check } = options
  const given = Object.entries({ url, slug, id, deploymentId, tags, check }).filter(([, value]) => value !== undefined)
  const client = clientOf(options)
  const registered = await client.register(Object.fromEntries(given))
  printOutcome(options, { id: registered.id }, `registered ${registered.id}`)
  const warning = await reachWarning(client, url)
  if (warning !== undefined) process.stderr.write(`${fitErrors(`rollcall: ${warning}`)}\n`)
}

async function remove(asked: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  const id = await toInstance(client, asked, (id) => client.deregister(id))
  printOutcome(options, { id }, `removed ${id}`)
}
