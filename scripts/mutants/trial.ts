// One mutant against the fast suites, in a copy of the tree: nothing of it ever stands in the working tree.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mutant } from './mutant.js'

/** How it ended: `hung` is a mutant that made the tests run for ever, which they notice in their way. */
export type Verdict = 'caught' | 'hung' | 'survived'

export interface Trial {
  readonly verdict: Verdict
  /** The test that failed. */
  readonly by: string
  readonly took_s: number
}

/** Few lives and small clusters, though large enough that not everyone observes everyone. */
const small = { SIM_SEEDS: '8', SIM_SCENARIO_SEEDS: '1', SIM_SCENARIO_NODES: '12' } as const

export class Workshop {
  readonly root: string
  readonly #skip: string

  /** @param skip tests whose name matches are not run */
  constructor(original: string, skip: string) {
    this.#skip = skip
    this.root = mkdtempSync(join(tmpdir(), 'mutants-'))
    for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'scripts'])
      cpSync(join(original, name), join(this.root, name), { recursive: true })
    symlinkSync(join(original, 'node_modules'), join(this.root, 'node_modules'))
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  /** Tries a mutant; without one, the tree as it is. */
  async try(mutant: Mutant | undefined, limit_s: number): Promise<Trial> {
    const path = mutant && join(this.root, mutant.file)
    const original = path === undefined ? '' : readFileSync(path, 'utf8')
    if (path !== undefined) writeFileSync(path, mutant?.text ?? '')
    try {
      return await this.#run(mutant?.file ?? '', limit_s)
    } finally {
      if (path !== undefined) writeFileSync(path, original)
    }
  }

  async #run(mutated: string, limit_s: number): Promise<Trial> {
    const begun = performance.now()
    const env = { ...process.env, ...small, MUTANT_FILE: mutated, NO_COLOR: '1' }
    const vitest = [
      join(this.root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      'scripts/mutants/vitest.config.ts',
    ]
    if (this.#skip !== '') vitest.push('--testNamePattern', `^(?!.*(?:${this.#skip}))`)
    const child = spawn(process.execPath, vitest, {
      cwd: this.root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const stop = (): void => void tryToKill(child.pid)
    process.once('exit', stop)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      stop()
    }, limit_s * 1000)
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (output += text))
    child.stderr.resume()
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    clearTimeout(timer)
    process.off('exit', stop)
    const took_s = (performance.now() - begun) / 1000
    if (isLate) return { verdict: 'hung', by: '', took_s }
    return code === 0 ? { verdict: 'survived', by: '', took_s } : { verdict: 'caught', by: failureIn(output), took_s }
  }
}

/** The whole group: the runner has workers of its own. */
function tryToKill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended already
  }
}

interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
  }[]
}

function failureIn(output: string): string {
  try {
    const { testResults } = JSON.parse(output.slice(output.indexOf('{'))) as Report
    const failed = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'failed'),
    )
    return (
      failed[0]?.title ??
      testResults.map(({ message }) => message).find((message) => message !== '') ??
      'it does not load'
    )
  } catch {
    return 'the runner ended'
  }
}
