// The built daemon with its packages in one file, made once before the tests that start daemons by the dozen: each of them would
// otherwise look up a thousand modules. What is shipped starts in the tests of the package, its examples, the commands and the demo.
import { rename, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** As deep as what it was made of: from there it finds the manifest. */
export const main = fileURLToPath(new URL('../../dist/one-file/main.js', import.meta.url))

/** Packages that look for files beside their own. */
const external = ['classic-level', 'pino', 'pino-pretty']
/** What CommonJS packages in an ES module ask for. */
const banner = {
  js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
}

export async function setup(): Promise<void> {
  const mine = main.replace(/js$/, `${process.pid}.js`)
  try {
    await build({
      entryPoints: [built],
      outfile: mine,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      minifySyntax: true,
      minifyWhitespace: true,
      external,
      banner,
      logLevel: 'warning',
    })
    await rename(mine, main) // whole at any time: another run may start daemons now
  } finally {
    await rm(mine, { force: true })
  }
}
