// The bugs that the mutation run puts into the core: each must have its place there, or nobody would try it; and be a program still,
// or whatever does not load would be taken for a test that notices.
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { expect, test } from 'vitest'
import { applied, readCore } from '../scripts/mutants/patch.js'
import { patches } from '../scripts/mutants/patches.js'

const core = readCore(fileURLToPath(new URL('..', import.meta.url)))

test.each(Object.entries(patches))('one place in the core has the bug: %s', async (name, patch) => {
  const { file, text } = applied(core, name, patch)
  expect(text).not.toBe(core.sources.find((source) => source.file === file)?.tree.text)
  await transform(text, { loader: 'ts' })
})
