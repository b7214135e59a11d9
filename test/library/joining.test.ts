/** What a node shows that has just joined others: all that they hold, or, where it could not have that, the word that it has not. */
import { expect, test } from 'vitest'
import { freePort } from '../../src/io/network/ports.js'
import { createNode } from '../../src/index.js'
import { eventually } from '../io/eventually.js'
import { local, start } from './local.js'

test('shows what the others hold from its first moment', async () => {
  const a = await start()
  const b = await start({ join: a.addresses })
  for (const [i, at] of [a, b, a, b].entries())
    await at.register({ slug: 'web', url: `http://10.0.0.${i + 1}`, check: 'none' })
  await eventually('both show them', () => [a, b].every((one) => one.lookup('web')?.instances.length === 4))
  for (let i = 0; i < 3; i += 1) {
    const late = await start({ join: i % 2 === 0 ? a.addresses : [...a.addresses, ...b.addresses] })
    expect(late.lookup('web')?.instances.length).toBeGreaterThan(0)
    expect(late.readiness()).toEqual({ ready: true, reasons: [], degraded: false })
    await late.ready()
    // Of whom no word came within two heartbeats, on a machine that does much else, what he has is shown with the first one.
    await eventually('it shows all', () => late.lookup('web')?.instances.length === 4)
    await late.stop()
  }
})

test('two that begin at once, each told of the other, wait for nobody else', async () => {
  const ports = [await freePort(), await freePort()]
  const places = ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`)
  const nodes = await Promise.all(places.map((place, i) => start({ listen: [place], join: [places[1 - i] as string] })))
  expect(nodes.map((node) => node.readiness().ready)).toEqual([true, true])
})

test('where nobody answers it is waited for, and whoever has no patience ends that', async () => {
  const over = new AbortController()
  const join = [`/ip4/127.0.0.1/tcp/${await freePort()}`]
  const starting = createNode({ memory: true, ...local, join, signal: over.signal })
  let isThere = false
  void starting.then(
    () => (isThere = true),
    () => undefined,
  )
  const alone = await start() // which takes as long as the other one would
  await alone.ready()
  expect(isThere).toBe(false)
  over.abort(new Error('no patience'))
  await expect(starting).rejects.toThrow('no patience')
})
