/**
 * The commands that register an instance, or take it out again. Its home is the daemon that is asked.
 */
import { Option, type Command } from 'commander'
import type { Client, RegistrationRequest } from '../client.js'
import { within } from '../client/pause.js'
import { answerOf, changes, clientOf, fitErrors, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { lifetimes, type Lifetime } from '../core/model/lifetime.js'
import { untilInterrupted } from './interrupt.js'
import { dnsWarning } from './dns-warning.js'
import { checkHelp } from './maintenance.js'
import { ofWholeId } from './meant.js'
import { reachWarning } from './reach-warning.js'
import { takesTraits, traitsOf, type TraitOptions } from './traits.js'

export function addRegisteringCommands(program: Command): void {
  const register = program.command('register').description('register an instance; again with the same url updates it')
  withExamples(
    takesTraits(changes(register))
      .requiredOption('--url <url>', 'where the instance is called')
      .option('--slug <slug>', 'the name that callers look it up by; without one no lookup and no pick finds it')
      .option('--id <id>', 'default: derived from slug and url')
      .option('--deployment-id <id>', 'the deployment that it belongs to')
      .option('--tag <tag...>', 'tags to find it by')
      .option('--check <check>', checkHelp)
      .addOption(
        new Option(
          '--lifetime <lifetime>',
          'persistent: until it is removed (default); session: for as long as this command runs; ttl: see --ttl',
        ).choices(lifetimes),
      )
      .option('--ttl <duration>', 'it lives so long unless it is registered again, or renewed')
      .option(
        '--grace <duration>',
        'how long it stays in the register after its session or ttl has ended (default: 5s); that of run is before the end',
      )
      .action(add),
    ['rollcall register --url http://10.0.0.7:8080 --slug web', 'found as web from now on, on every node'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web --tag blue eu', 'with tags'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web --check http:/healthz', 'asked whether it is well'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web --lifetime session', 'until Ctrl-C'],
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
  readonly lifetime?: Lifetime
  readonly ttl?: string
  readonly grace?: string
}

/** The end of a command waits so long for the daemon, which sees the end by itself as well. */
const ending_ms = 2000

async function add(options: RegisterOptions): Promise<void> {
  const { tag: tags, url, slug, id, deploymentId, check, lifetime, ttl, grace } = options
  const facts = { url, slug, id, deploymentId, tags, check: check === undefined ? undefined : checkGiven(check) }
  const given = Object.entries({ ...facts, ...traitsOf(options), lifetime, ttl, grace }).filter(
    ([, value]) => value !== undefined,
  )
  const client = clientOf(options)
  const registration = Object.fromEntries(given) as RegistrationRequest
  if (lifetime === 'session') return hold(client, registration, options)
  const registered = await answerOf(client, client.register(registration), 'id')
  printOutcome(options, { id: registered.id }, `registered ${registered.id}`)
  await warn(client, options)
}

/** Registered until this command ends; killed, its daemon notices. */
async function hold(client: Client, registration: RegistrationRequest, options: RegisterOptions): Promise<void> {
  await untilInterrupted(async (signal) => {
    const registered = await client.registerSelf(registration, { signal })
    printOutcome(options, { id: registered.id }, `registered ${registered.id} until this command ends`)
    await warn(client, options)
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true })
      if (signal.aborted) resolve(undefined)
    })
    await within(ending_ms, registered.end(), 'the daemon does not answer in time')
  })
}

async function warn(client: Client, { url, slug }: RegisterOptions): Promise<void> {
  const warnings = await Promise.all([reachWarning(client, url), dnsWarning(client, slug)])
  for (const warning of warnings)
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
