/**
 * The commands that register an instance, or take it out again. Its home is the daemon that is asked.
 */
import type { Command } from 'commander'
import { changes, clientOf, fitErrors, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { RegistryError, messageOf } from '../core/errors.js'
import { collectPairs } from './pairs.js'
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
      .option('--check <check>', `${checkHelp}; or JSON, such as {"http": {"path": "/healthz"}, "interval": "2s"}`)
      .option('--metadata <key=value...>', 'what else there is to say of it', collectPairs)
      .option('--port <name=number...>', 'further ports, by what each is for, such as metrics=9464', collectPairs)
      .option(
        '--weight <weight>',
        'its share of the calls, 0 to 65535 (default: 100); 0: only where nothing else is left',
      )
      .option('--service-version <version>', 'the version of the service')
      .option('--zone <zone>', 'where it differs from that of its node')
      .option('--ttl <duration>', 'it lives so long unless it is registered again, or renewed')
      .option('--grace <duration>', 'how long it stays in the register after its end (default: 5s)')
      .option('--deregister-after <duration>', 'remove it when it is ill, or its node away, for so long')
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
  readonly metadata?: Readonly<Record<string, string>>
  readonly port?: Readonly<Record<string, string>>
  readonly weight?: string
  readonly serviceVersion?: string
  readonly zone?: string
  readonly ttl?: string
  readonly grace?: string
  readonly deregisterAfter?: string
}

async function add(options: RegisterOptions): Promise<void> {
  const { tag: tags, url, slug, id, deploymentId, check, metadata, zone, ttl, grace, deregisterAfter } = options
  const facts = { url, slug, id, deploymentId, tags, check: check === undefined ? undefined : checkGiven(check) }
  const traits = { metadata, ports: portsGiven(options.port), weight: numberGiven(options.weight), zone }
  const said = { ...facts, ...traits, version: options.serviceVersion, ttl, grace, deregisterAfter }
  const given = Object.entries(said).filter(([, value]) => value !== undefined)
  const client = clientOf(options)
  const registered = await client.register(Object.fromEntries(given))
  printOutcome(options, { id: registered.id }, `registered ${registered.id}`)
  const warning = await reachWarning(client, url)
  if (warning !== undefined) process.stderr.write(`${fitErrors(`rollcall: ${warning}`)}\n`)
}

/** What is no number is sent as it is, so that the daemon says what is wrong with it. */
function numberGiven(text: string | undefined): unknown {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function portsGiven(
  ports: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (ports === undefined) return undefined
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, numberGiven(port)]))
}

/** The long form is JSON. @throws RegistryError `malformed` */
function checkGiven(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RegistryError('malformed', `--check: not JSON (${messageOf(cause)})`, { cause })
  }
}

async function remove(asked: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  const id = await toInstance(client, asked, (id) => client.deregister(id))
  printOutcome(options, { id }, `removed ${id}`)
}
