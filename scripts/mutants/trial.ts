// One mutant against the fast suites, in a copy of the tree: nothing of it ever stands in the working tree.
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mutant } from './patch.js'

/** How it ended: `hung` is a mutant that made the tests run for ever, which they notice in their way. */
export type Verdict = 'caught' | 'hung' | 'survived'

export interface Trial {
  readonly verdict: Verdict
  /** The test that failed. */
  readonly by: string
  readonly took_s: number
}

export class Workshop {
  readonly #root = mkdtempSync(join(tmpdir(), 'mutants-'))

  constructor(original: string) {
    for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'scripts'])
      cpSync(join(original, name), join(this.#root, name), { recursive: true })
    symlinkSync(join(original, 'node_modules'), join(this.#root, 'node_modules'))
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }

  /** Tries a mutant; without one, the tree as it is. */
  async try(mutant: Mutant | undefined, limit_s: number): Promise<Trial> {
    if (mutant === undefined) return this.#run(limit_s)
    const path = join(this.#root, mutant.file)
    const original = readFileSync(path, 'utf8')
    writeFileSync(path, mutant.text)
    try {
      return await this.#run(limit_s)
    } finally {
      writeFileSync(path, original)
    }
  }

  #run(limit_s: number): Promise<Trial> {
    const begun = performance.now()
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'scripts/mutants/vitest.config.ts']
    const options = {
      cwd: this.#root,
      timeout: Math.ceil(limit_s * 1000),
      killSignal: 'SIGKILL',
      maxBuffer: Infinity,
    } as const
    return new Promise((resolve) =>
      execFile(process.execPath, [...vitest, '--reporter', 'json'], options, (error, output) => {
        const took_s = (performance.now() - begun) / 1000
        if (error === null) resolve({ verdict: 'survived', by: '', took_s })
        else if (error.killed === true) resolve({ verdict: 'hung', by: '', took_s })
        else resolve({ verdict: 'caught', by: failureIn(output), took_s })
      }),
    )
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
    const failed = testResults.flatMap((file) => file.assertionResults).find(({ status }) => status === 'failed')
    return failed?.title ?? testResults.find(({ message }) => message !== '')?.message ?? 'it does not load'
  } catch {
    return 'the runner ended'
  }
}
