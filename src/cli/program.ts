/**
 * All commands under one name. It also says what is wrong with one that is misspelled, and runs none by itself.
 */
import { type Argument, Command } from 'commander'
import { didYouMean } from '../config/nearest.js'
import { packageVersion } from '../config/version.js'
import { addClusterCommands } from './cluster.js'
import { fitErrors, handDownOptions, reads, reportFailure, withExamples } from './command.js'
import { addCallCommand } from './call.js'
import { addCompletionCommand } from './completion.js'
import { addDefinitionCommands } from './definitions.js'
import { addDemoCommand } from './demo.js'
import { addDoctorCommand } from './doctor.js'
import { hearHangUp, keepHangUp, releaseHangUp } from './hang-up.js'
import { addHistoryCommand } from './history.js'
import { addDrainCommand } from './drain.js'
import { addWatchCommand } from './events.js'
import { addForceLeaveCommand } from './forget.js'
import { plain } from './format.js'
import { addInstanceCommands } from './instances.js'
import { addKeygenCommand } from './keygen.js'
import { addLeaveCommand } from './leave.js'
import { addActCommands } from './acts.js'
import { addMaintenanceCommand } from './maintenance.js'
import { addRegisteringCommands } from './registering.js'
import { addRunCommand } from './run.js'
import { addSessionsCommand } from './sessions.js'
import { addConfigCommand } from './settings.js'
import { failOnLostOutput } from './output.js'
import { restoreSignals } from './signals.js'
import { addStartCommand } from './start.js'
import { addStatusCommand } from './status.js'
import { addVersionCommand } from './version.js'
import { addWhyCommand } from './why.js'

/**
 * Runs one command line, without the names of the program.
 * @param ownsProcess whether the signals and the outputs of this process are the command's
 * @param takeHangUp whether SIGHUP came before anybody answered it; from then on others do
 * @returns the exit code, as far as it is known by then: words that turn out to be lost make it 1
 */
export async function runCommandLine(
  argv: readonly string[],
  { ownsProcess = false, takeHangUp }: { readonly ownsProcess?: boolean; readonly takeHangUp?: () => boolean } = {},
): Promise<number> {
  if (takeHangUp !== undefined) keepHangUp(takeHangUp)
  if (ownsProcess) {
    restoreSignals()
    failOnLostOutput()
  }
  try {
    const program = createProgram()
    refuseHelpOfNothing(program, argv)
    await program.parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    return await reportFailure(error)
  }
}

export function createProgram(): Command {
  const program = new Command('rollcall')
    .description('A service registry with no servers.')
    .version(packageVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help, also of a command')
    .enablePositionalOptions() // what follows the program of `run` is the program's
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ subcommandTerm })
  program.commandsGroup('A daemon on this machine:')
  addStartCommand(program)
  addDrainCommand(program)
  addLeaveCommand(program)
  addConfigCommand(program)
  addKeygenCommand(program)
  program.commandsGroup('Where things are:')
  addInstanceCommands(program)
  addCallCommand(program)
  addDefinitionCommands(program)
  addRegisteringCommands(program)
  addActCommands(program)
  addMaintenanceCommand(program)
  addRunCommand(program)
  addSessionsCommand(program)
  program.commandsGroup('How the cluster is:')
  addStatusCommand(program)
  addDoctorCommand(program)
  addHistoryCommand(program)
  addWhyCommand(program)
  addWatchCommand(program)
  addClusterCommands(program)
  addForceLeaveCommand(program)
  program.commandsGroup('And:')
  addDemoCommand(program)
  addCompletionCommand(program)
  addVersionCommand(program)
  program.helpCommand('help [command]', 'print help, also of a command')
  reads(program.optionsGroup('Options of most commands, before the command or after it:'))
  program.hook('preAction', async (_, command) => {
    handDownOptions(command)
    refuseEmptyArguments(command)
    await (answerHangUp.includes(command.name()) ? hearHangUp() : releaseHangUp())
  })
  sayWhereHelpIs(program, 'rollcall')
  return withExamples(
    program,
    ['rollcall demo', 'see it work, in half a minute'],
    ['rollcall start', 'on each machine: they find each other'],
    ['rollcall register --url http://10.0.0.7:8080 --slug web', 'say where something is'],
    ['rollcall lookup web', 'ask where it is, any daemon'],
    ['rollcall why web', 'ask why it is not there'],
  )
}

/** Those to which SIGHUP is no end, where no terminal has sent it. */
const answerHangUp: readonly string[] = ['start', 'run']

/** Nobody's name is empty, though it may be a blank: it is a variable that is not set. */
function refuseEmptyArguments(command: Command): void {
  for (const [at, argument] of command.registeredArguments.entries()) {
    if (argument.variadic || argument.defaultValue !== undefined || command.args[at] !== '') continue
    command.error(`the ${argument.name()} is empty: is a variable not set?`)
  }
}

/** That commands take options goes without saying; what they are about does not. */
function subcommandTerm(command: Command): string {
  return [command.name(), ...command.registeredArguments.map(humanReadableArgument)].join(' ')
}

function humanReadableArgument(argument: Argument): string {
  const shown = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${shown}>` : `[${shown}]`
}

/** Each command points to its own help. */
function sayWhereHelpIs(command: Command, path: string): void {
  command.configureOutput({
    outputError: (message, write) =>
      write(`${fitErrors(plain(oneLine(message.trimEnd() + wayOutOf(message, command), path)))}\n`),
  })
  for (const each of command.commands) sayWhereHelpIs(each, `${path} ${each.name()}`)
}

/** What was meant as a value, and begins like an option. */
function wayOutOf(message: string, { registeredArguments: [argument] }: Command): string {
  const [, given] = /unknown option '(-[^']*)'\s*$/.exec(message) ?? []
  return given === undefined || argument === undefined ? '' : `; where it is no option, say -- before it`
}

/** Commander would print the help of all commands instead. */
function refuseHelpOfNothing(program: Command, argv: readonly string[]): void {
  let command = program
  for (const [at, word] of argv.entries()) {
    const names = command.commands.map((each) => each.name())
    const asked = argv[at + 1]
    if (word === 'help' && asked !== undefined && !asked.startsWith('-') && names.length > 0) {
      if (asked === 'help' || names.includes(asked)) return
      command.error(`unknown command '${plain(asked)}'${didYouMean(asked, names)}`)
    }
    const next = command.commands.find((each) => each.name() === word)
    if (next === undefined) return
    command = next
  }
}

function oneLine(message: string, path: string): string {
  const line = message
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
  return `rollcall: ${line}; see ${path} --help`
}
