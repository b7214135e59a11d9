/**
 * Runs the command line: in a process of its own, as a shell would, or in this one, where only what it prints and returns counts.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { vi } from 'vitest'
import { runCommandLine } from '../../src/cli/program.js'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly outcome: Promise<Outcome>
  /** Resolves with the first line of stdout; rejects if the process ends without one. */
  readonly firstLine: Promise<string>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Nothing of the caller's own settings of ours reaches the process. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ROLLCALL_')))
}

/**
 * Makes one file of a TypeScript file of this project, and of all of ours that it imports: it starts in a third of the time.
 * @returns where it is: below what is built, so that it finds the packages
 */
export async function compileScript(script: string): Promise<string> {
  const outfile = join(root, 'dist', 'scripts', `${basename(script, '.ts')}-${process.pid}.mjs`)
  const how = { bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external' } as const
  await build({ ...how, entryPoints: [join(root, script)], outfile, logLevel: 'warning' })
  return outfile
}

/**
 * Starts a script.
 * @param stderr an open file to write to, instead of what the outcome tells
 */
export function startScript(
  script: string,
  args: readonly string[],
  stderr?: number,
  env: NodeJS.ProcessEnv = {},
): Running {
  return start([script, ...args], env, undefined, stderr)
}

/** @param input what it reads from stdin; without one that is closed */
function start(args: readonly string[], env: NodeJS.ProcessEnv, input?: string, stderrFile?: number): Running {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...cleanEnvironment(), ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', stderrFile ?? 'pipe'],
  })
  child.stdin?.end(input)
  let [stdout, stderr] = ['', '']
  const line = Promise.withResolvers<string>()
  line.promise.catch(() => undefined)
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (stdout.includes('\n')) line.resolve(stdout.slice(0, stdout.indexOf('\n')))
  })
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const outcome = new Promise<Outcome>((resolve) => {
    child.on('close', (code) => {
      line.reject(new Error(`ended without a line on stdout: ${stderr}`))
      resolve({ code, stdout, stderr })
    })
  })
  return { child, outcome, firstLine: line.promise }
}

/** The built command, as it is shipped: it starts in a fraction of the time that its sources take. */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}, input?: string): Running {
  return start(['dist/cli/main.js', ...args], env, input)
}

export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}, input?: string): Promise<Outcome> {
  return startCli(args, env, input).outcome
}

/** Without a process: a hundred times as fast. One at a time. */
export async function runHere(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const printed = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      printed[name] += String(chunk)
      return true
    }),
  )
  const own = process.env
  process.env = { ...cleanEnvironment(), ...env }
  try {
    return { code: await runCommandLine(args), ...printed }
  } finally {
    process.env = own
    for (const spy of spies) spy.mockRestore()
  }
}
