// What callers were told is written, by a daemon that is stopped while they go on writing, is held by the others from then on.
import { afterAll, expect, test } from 'vitest'
import { Cluster, type RunningDaemon, until } from './cluster.js'
import { loopback } from './place.js'

const cluster = new Cluster(loopback())
afterAll(() => cluster.close())

/** Saves one definition after the other until that is refused for good. @returns those that were acknowledged */
async function saveMany(at: RunningDaemon, names: string): Promise<string[]> {
  const saved: string[] = []
  for (let i = 0; !at.isOver; i += 1) {
    const id = `${names}-${i}`
    const isSaved = await at.saveDefinition({ id }).then(
      () => true,
      () => false,
    )
    if (isSaved) saved.push(id)
  }
  return saved
}

test('what is acknowledged while a daemon stops is held by the others, also where gossip brings them nothing', async () => {
  const args = ['--no-mdns', '--test-drop-gossip', '1']
  const a = await cluster.start('a', { args })
  for (const name of ['b', 'c']) {
    const b = await cluster.start(name, { args: [...args, '--join', a.address] })
    await until('they see each other', async () => (await a.self()).alive === 2 && (await b.self()).alive === 2)
    const writers = Promise.all(['x', 'y', 'z'].map((who) => saveMany(b, `${name}-${who}`)))
    await until('it writes', async () => (await b.definitions()).some(({ id }) => id === `${name}-x-20`))
    await b.kill('SIGTERM')
    const saved = (await writers).flat()
    const held = new Set((await a.definitions()).map(({ id }) => id))
    expect(saved.length).toBeGreaterThan(20)
    expect(saved.filter((id) => !held.has(id))).toEqual([])
  }
})
