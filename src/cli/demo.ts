/**
 * The command that shows what this is for, with real daemons, in under a minute. It leaves nothing behind, however it ends.
 */
import { constants } from 'node:os'
import { basename, relative } from 'node:path'
import type { Command } from 'commander'
import { exitCodes, reportFailure } from './command.js'
import { DemoDaemons } from './demo/daemons.js'
import { Screen } from './demo/screen.js'
import { Script } from './demo/script.js'
import { codeOfSuccess } from './output.js'
import { onStopSignal } from './signals.js'

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('see it work: three daemons, one killed and back')
    .action(async () => process.exit(await demonstrate()))
}

/** @returns the exit code */
async function demonstrate(): Promise<number> {
  // Before there is anything to clean up; the signals that follow the first change nothing.
  const interrupted = new Promise<NodeJS.Signals>(onStopSignal)
  const screen = new Screen(process.stdout)
  const daemons = new DemoDaemons()
  const script = new Script(screen, daemons)
  try {
    const signal = await Promise.race([script.play(), interrupted])
    if (signal !== undefined) {
      screen.release(false)
      screen.say('Interrupted; cleaning up.')
      return 128 + constants.signals[signal]
    }
    for (const line of yourTurn()) screen.say(line)
    return codeOfSuccess()
  } catch (error) {
    screen.release(true)
    await reportFailure(error)
    process.stderr.write(`The last that the daemons wrote:\n${daemons.logs.join('\n')}\n`)
    return exitCodes.failed
  } finally {
    script.end()
    await daemons.end()
  }
}

function yourTurn(): readonly string[] {
  const commands = [
    ['start', 'a daemon here; the same on other machines of this network: they find each other'],
    ['run --slug web -- node server.js', 'a program of yours as a service'],
    ['lookup web', 'where it is'],
    ['members', 'who is there'],
    ['--help', 'everything else'],
  ] as const
  const shown = commands.map(([command, what]) => [`${ownName()} ${command}`, what] as const)
  const width = Math.max(...shown.map(([command]) => command.length))
  return ['', 'Try it yourself:', ...shown.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`)]
}

/** How this very program can be called from where its user stands. */
function ownName(): string {
  const [, script = ''] = process.argv
  return basename(script) === 'rollcall' ? 'rollcall' : `node ${relative(process.cwd(), script)}`
}
