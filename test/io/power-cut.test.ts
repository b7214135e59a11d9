// Power cuts and kill -9 on a real database: whatever was acknowledged as synced is there afterwards, and no document is half of anything.
//
// ROLLCALL_SEED and ROLLCALL_CUTS choose other and more cuts; `npm run violence -- power` counts them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { openDataDir } from '../../src/io/storage/data-dir.js'
import { compiled } from './compiled.js'
import { PowerCord, seeded } from './power.js'
import { live, survey, Writer } from './power-lives.js'
import { removeTemporaryDirs, temporaryDir, text } from './stored.js'

const firstSeed = Number(process.env['ROLLCALL_SEED'] ?? 1)
const runs = Math.ceil(Number(process.env['ROLLCALL_CUTS'] ?? 40) / 8)

afterEach(removeTemporaryDirs)

const writer = await compiled('endless-writer.ts')

/** The lines that a process of its own printed before it was killed: the batches that were acknowledged to it. */
async function killedAfter(lines: number, path: string, from: number): Promise<number[]> {
  const child = spawn(process.execPath, [writer, path, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    if (printed.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  return printed.split('\n').slice(0, -1).map(Number)
}

describe('kill -9', () => {
  it('loses nothing acknowledged, synced or not', async () => {
    const path = await temporaryDir()
    const acknowledged: number[] = []
    for (const lines of [1, 50, 400]) {
      acknowledged.push(...(await killedAfter(lines, path, acknowledged.length)))
      const dir = await openDataDir(path)
      const { documents, damaged } = await dir.storage.load()
      await dir.close()
      expect([dir.lostStore, dir.warnings, damaged]).toEqual([undefined, [], []])
      const held = documents.flatMap(({ updates }) => updates.map(({ head }) => Number(text(head))))
      expect(held.slice(0, acknowledged.length)).toEqual(acknowledged)
    }
  })
})

describe('power cuts', () => {
  it.each(Array.from({ length: runs }, (_, i) => firstSeed + i))(
    'lose nothing acknowledged (seed %i)',
    async (seed) => {
      expect((await live(seed)).cuts).toBe(8)
    },
  )

  it('a cut that takes acknowledged bytes is noticed by this test', async () => {
    const path = await temporaryDir()
    const dir = await openDataDir(path)
    const cord = new PowerCord(path, () => 0) // keeps nothing that was not marked, and nothing is marked
    const writer = new Writer(dir, new PowerCord(path, seeded(1)), seeded(1))
    for (let i = 0; i < 5; i++) await writer.writeOwn()
    const copy = await temporaryDir()
    cord.cut(copy)
    await expect(survey(copy, writer.promised)).rejects.toThrow()
    await dir.close()
  })
})
