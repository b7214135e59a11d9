/**
 * The command that runs a program as a service: on a free port, in the register while it is well, out of it before it stops.
 */
import type { Command } from 'commander'
import { defaultHttp } from '../config.js'
import { hostForOthers } from '../config/reach.js'
import { defaultCheck, readCheck } from '../core/model/check.js'
import { RegistryError } from '../core/model/errors.js'
import { parseRegistration } from '../core/model/model.js'
import { createChecker } from '../io/checks.js'
import { clientOf, takesServer, withExamples, type ServerOptions } from './command.js'
import { dnsWarning } from './dns-warning.js'
import { checkHelp } from './maintenance.js'
import type { Place } from './run/listing.js'
import { checkGiven } from './registering.js'
import { ownWords } from './run/own-words.js'
import { freePort } from './run/port.js'
import { NotStarted } from './run/program.js'
import { sameAtEachStart } from './run/same-id.js'
import { supervise } from './run/supervise.js'
import { takesTraits, traitsOf, type TraitOptions } from './traits.js'

const longestGrace_s = 300

const moreHelp = `
The program is started at once, with a free port in $PORT, and registered at the
daemon of this machine as soon as it answers there. Its input, output and exit
code are its own; what rollcall has to say goes to stderr.

Callers are told this machine's address on the network. Where the program answers
on 127.0.0.1 alone, that is registered instead, for callers on this machine.

On SIGTERM or SIGINT the instance leaves every lookup first; after the grace the
program gets the signal, with all that it has started: it may be a shell, or npm,
in front of the one that is meant. A second one kills them. With Ctrl-C there is
no grace: the terminal tells them itself. SIGUSR1 and SIGUSR2 are passed on, and
SIGHUP where there is no terminal whose end it could mean.
While the daemon is away the program runs on, and is registered again where a new
daemon has forgotten it. What somebody deregisters stays so until the next run.

The instance lives with rollcall run: killed with SIGKILL it cannot deregister, and
its daemon takes the instance off the lists in its place, within moments, also
where the program lives on. Under systemd use KillMode=mixed, so that the program
does not get its signal too early.`

export function addRunCommand(program: Command): void {
  const command = program.command('run').description('run a program as a service: registered while it is well')
  takesTraits(takesServer(command))
    .usage('--slug <slug> [options] -- <program> [arguments]')
    .requiredOption('--slug <slug>', 'the name that callers look it up by')
    .option('--port-env <name>', 'the variable that tells the program its port', 'PORT')
    .option('--host <host>', 'where callers reach this machine; default: its address on the network')
    .option('--check <check>', checkHelp)
    .option('--id <id>', 'default: the slug and an end that is the same at each start of this command here')
    .option('--deployment-id <id>', 'the deployment that it belongs to')
    .option('--tag <tag...>', 'tags to find it by')
    .option(
      '--grace <seconds>',
      'how long callers have to look elsewhere before the program is told to stop; how long a killed one stays registered is another grace, that of its lifetime, 5s',
      '1',
    )
    .argument('<program...>', 'the program and its arguments, after --')
    .passThroughOptions()
    .addHelpText('after', moreHelp)
    .action(async (argv: readonly string[], options: RunOptions) => {
      const output = ownWords()
      const code = await run(argv, options, (message) => output.write(`rollcall: ${message}\n`))
      // Node would wait for the thread that writes: a reader who takes nothing would keep us, where only the exit code is to be lost.
      if (!(await output.isFree())) process.once('exit', () => process.kill(process.pid, 'SIGKILL'))
      process.exit(code)
    })
  withExamples(
    command,
    ['rollcall run --slug web -- node server.js', 'where server.js listens on $PORT'],
    [
      'rollcall run --slug api --port-env HTTP_PORT --check http:/healthz --host api.example.com -- ./api -v',
      'called by a name',
    ],
  )
}

interface RunOptions extends ServerOptions, TraitOptions {
  readonly slug: string
  readonly portEnv: string
  readonly host?: string
  readonly check?: string
  readonly id?: string
  readonly deploymentId?: string
  readonly tag?: readonly string[]
  readonly grace: string
}

async function run(argv: readonly string[], options: RunOptions, say: (message: string) => void): Promise<number> {
  const grace_ms = parseGrace(options.grace) * 1000
  const variable = parseVariable(options.portEnv)
  const port = await freePort()
  const registrations = await describe(options, argv, port)
  const checker = createChecker()
  const client = clientOf(options)
  void dnsWarning(client, options.slug).then((warning) => warning !== undefined && say(warning))
  try {
    return await supervise({
      argv,
      env: { ...process.env, [variable]: String(port) },
      grace_ms,
      client,
      registrations,
      check: ({ url, check }) => checker.check(url, check ?? undefined),
      say,
    })
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error
    say(error.message)
    return error.exitCode
  } finally {
    checker.stop()
  }
}

/**
 * Where the program may be found, best first: it may listen on this machine alone.
 * @throws RegistryError `malformed`, before anything is started
 */
async function describe(options: RunOptions, argv: readonly string[], port: number): Promise<Place[]> {
  const { slug, check: text, deploymentId, tag: tags } = options
  if (slug.trim() === '')
    throw new RegistryError('malformed', '--slug: is empty; give the name that callers look it up by')
  const check = text === undefined ? undefined : checkGiven(text)
  const scheme = readCheck(check)?.secure === true ? 'https' : 'http'
  const hosts = options.host === undefined ? [...new Set([hostForOthers(), defaultHttp.host])] : [options.host]
  const id = options.id ?? `${slug}-${await sameAtEachStart([slug, ...hosts, ...argv])}`
  return hosts.map((host) => ({
    ...parseRegistration(
      { id, slug, scheme, host, port, check: keptOpen(check), deploymentId, tags, ...traitsOf(options) },
      'own',
    ),
    ...{ id, slug },
  }))
}

/** The daemon keeps a connection as well: it sees the end of the program at once. */
function keptOpen(check: unknown = defaultCheck): unknown {
  if (typeof check === 'object' && check !== null) {
    const isAsked = ['tcp', 'http', 'grpc'].some((type) => type in check)
    return isAsked ? { keepOpen: true, ...check } : check
  }
  const { question, secure } = readCheck(check) ?? {}
  if (question?.type === 'tcp') return { tcp: {}, keepOpen: true }
  if (question?.type !== 'http') return check // also what is none, which is told by its parser
  return { http: { path: question.path }, keepOpen: true, ...(secure === true && { tls: {} }) }
}

function parseGrace(text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && seconds >= 0 && seconds <= longestGrace_s) return seconds
  throw new RegistryError(
    'malformed',
    `--grace: ${JSON.stringify(text)} is not a number of seconds up to ${longestGrace_s}`,
  )
}

function parseVariable(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name
  throw new RegistryError(
    'malformed',
    `--port-env: ${JSON.stringify(name)} is no name of a variable; use one such as PORT`,
  )
}
