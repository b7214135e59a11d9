// Commands run here against a real server with a service in memory, from the first test of a file to its last.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { serveMemory, type MemoryServer } from '../http/serve.js'
import { runHere, type Outcome } from './run.js'

export let served: MemoryServer
/** The last lines of its log. */
export const logged: string[] = []
export const dir = mkdtempSync(join(tmpdir(), 'rollcall-cli-'))
export const cli = (...args: string[]): Promise<Outcome> => runHere(args, { ROLLCALL_SERVER: served.url })

beforeAll(async () => {
  served = await serveMemory({ lastLines: () => logged })
})
afterAll(async () => {
  await served.stop()
  rmSync(dir, { recursive: true })
})

export async function fine(...args: string[]): Promise<string> {
  const outcome = await cli(...args)
  expect({ args, ...outcome }).toMatchObject({ args, code: 0, stderr: '' })
  return outcome.stdout
}

/** What a command prints on a terminal of this width without colours, line by line. */
export async function onTerminal(columns: number, args: readonly string[]): Promise<string[]> {
  const { isTTY, columns: before } = process.stdout
  Object.assign(process.stdout, { isTTY: true, columns })
  try {
    return (await runHere(args, { ROLLCALL_SERVER: served.url, NO_COLOR: '1' })).stdout.trimEnd().split('\n')
  } finally {
    Object.assign(process.stdout, { isTTY, columns: before })
  }
}
