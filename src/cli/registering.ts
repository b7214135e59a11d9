/**
 * The commands that register an instance, or take it out again. Its home is the daemon that is asked.
 */
import type { Command } from 'commander'
import { changes, clientOf, fitErrors, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { RegistryError, messageOf } from '../core/errors.js'
import { checkHelp } from './maintenance.js'
import { ofWholeId } from './meant.js'
import { reachWarning } from './reach-warning.js'
import { takesTraits, traitsOf, type TraitOptions } from './traits.js'

export function addRegisteringCommands(program: Command): void {
  const register = program.command('register').description('register an instance; again with the same url updates it')
  withExamples(
    takesTraits(changes(register))
      .requiredOption('--url <url>', 'where the instance is called')
      .option('--slug <slug>', 'the name that callers look it up by')
      .option('--id <id>', 'default: derived from slug and url')
      .option('--deployment-id <id>', 'the deployment that it belongs to')
      .option('--tag <tag...>', 'tags to find it by')
      .option('--check <check>', checkHelp)
      .option('--ttl <duration>', 'it lives so long unless it is registered again, or renewed')
      .option('--grace <duration>', 'how long it stays in the register after its end (default: 5s)')
      .action(add),
    ['rollcall register --url http://10.0.0.7:8080 --slug web', 'found as web from now on, on every node'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web --tag blue eu', 'with tags'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web --check http:/healthz', 'asked whether it is well'],
  )
  const deregister = program.command('deregister').description('remove an instance, wherever it was registered')
  withExamples(changes(deregister).argument('<id>', 'the whole id of the instance').action(remove), [
    'rollcall deregister inst_0f3a',
    'rollcall instances shows the ids',
  ])
}

interface RegisterOptions extends AnsweringOptions, TraitOptions {
  readonly url: string
  readonly slug?: string
  readonly id?: string
  readonly deploymentId?: string
  readonly tag?: readonly string[]
  readonly check?: string
  readonly ttl?: string
  readonly grace?: string
}

async function add(options: RegisterOptions): Promise<void> {
  const { tag: tags, url, slug, id, deploymentId, check, ttl, grace } = options
  const facts = { url, slug, id, deploymentId, tags, check: check === undefined ? undefined : checkGiven(check) }
  const given = Object.entries({ ...facts, ...traitsOf(options), ttl, grace }).filter(
    ([, value]) => value !== undefined,
  )
  const client = clientOf(options)
  const registered = await client.register(Object.fromEntries(given))
  printOutcome(options, { id: registered.id }, `registered ${registered.id}`)
  const warning = await reachWarning(client, url)
  if (warning !== undefined) process.stderr.write(`${fitErrors(`rollcall: ${warning}`)}\n`)
}

/** The long form of a check is JSON. @throws RegistryError `malformed` */
export function checkGiven(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RegistryError('malformed', `--check: not JSON (${messageOf(cause)})`, { cause })
  }
}

async function remove(id: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  await ofWholeId(client, id, async () => void (await client.deregister(id)))
  printOutcome(options, { id }, `removed ${id}`)
}
