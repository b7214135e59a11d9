/** Makes one file of a program of these tests, with all that it imports: it is up in a fraction of the time that tsx and a thousand files take. */
import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll } from 'vitest'

const folder = fileURLToPath(new URL('../../dist/scripts/', import.meta.url))

/** @returns the file, for as long as the tests of this file run */
export async function compiled(program: string): Promise<string> {
  const name = basename(program, '.ts')
  const outfile = join(folder, `${name}-${process.pid}.mjs`)
  afterAll(() => rmSync(outfile, { force: true }))
  await build({
    entryPoints: [fileURLToPath(new URL(program, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['classic-level', 'pino'], // they look for files beside their own
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
  return outfile
}
