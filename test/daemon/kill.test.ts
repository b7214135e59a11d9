// The first promise: what was acknowledged is there after `kill -9`, whenever that comes. Each daemon is alone: no peer can give anything back.
import { afterAll, expect, test } from 'vitest'
import { Cluster, type RunningDaemon, until } from './cluster.js'
import { loopback } from './place.js'

const daemons = 5
const rounds = Number(process.env['KILL_ROUNDS'] ?? 3)
const callers = 4

const cluster = new Cluster(loopback())
afterAll(() => cluster.close())

test(`${daemons} daemons, each killed ${rounds} times while they register: nothing acknowledged is lost`, async () => {
  const kept = await Promise.all(Array.from({ length: daemons }, (_, i) => killAgainAndAgain(`k${i}`)))
  for (const count of kept) expect(count).toBeGreaterThanOrEqual(Math.floor(rounds / 2))
}, 600_000)

/** @returns how many registrations were acknowledged */
async function killAgainAndAgain(name: string): Promise<number> {
  const acknowledged = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    const daemon = await cluster.start(name, { args: ['--no-mdns'] })
    await expectAll(daemon, acknowledged)
    await until(`${name} takes writes`, () => daemon.isReady())
    const before = acknowledged.size
    const killing = (async () => {
      // Every other time whatever comes of it; else once there is something to lose, however busy the machine.
      if (round % 2 === 1)
        await until(`${name} has acknowledged one`, async () => acknowledged.size > before || daemon.isOver)
      await killAfter(daemon, 20 + Math.random() * 400)
    })()
    await Promise.all(
      Array.from({ length: callers }, (_, caller) => registerUntilItEnds(daemon, `${round}-${caller}`, acknowledged)),
    )
    await killing
  }
  const daemon = await cluster.start(name, { args: ['--no-mdns'] })
  await expectAll(daemon, acknowledged)
  await daemon.kill('SIGKILL')
  return acknowledged.size
}

async function expectAll(daemon: RunningDaemon, acknowledged: ReadonlySet<string>): Promise<void> {
  const shown = new Set((await daemon.instances()).map(({ id }) => id))
  expect([...acknowledged].filter((id) => !shown.has(id))).toEqual([])
}

async function killAfter(daemon: RunningDaemon, delay_ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, delay_ms)) // the instant is the chance that this test is about
  await daemon.kill('SIGKILL')
}

async function registerUntilItEnds(daemon: RunningDaemon, prefix: string, acknowledged: Set<string>): Promise<void> {
  for (let i = 0; !daemon.isOver; i++) {
    const id = `${prefix}-${i}`
    try {
      await daemon.register({ id, url: `http://127.0.0.1:9/${id}` })
      acknowledged.add(id)
    } catch {
      return // the daemon is gone; whether this one was written nobody was told
    }
  }
}
