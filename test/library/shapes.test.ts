// One register asked in two ways, in this program's memory and over HTTP: the answers have the same shapes, whatever is asked.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { type Client, createClient, createNode, type Register, type RollcallNode } from '../../src/index.js'
import { Cluster, until } from '../daemon/cluster.js'
import { loopback } from '../daemon/place.js'
import { local } from './local.js'

type Question = keyof Register
type Answers<T extends Register> = { [Name in Question]: Awaited<ReturnType<T[Name]>> }
/** Not only fit for each other: the one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** The names of what is not the same in both. */
type Different<A, B extends Record<keyof A, unknown>> = {
  [Name in keyof A]: Same<A[Name], B[Name]> extends true ? never : Name
}[keyof A]
/** What is asked with nothing has but a signal, for which what answers at once has no use. */
type WithNothing = 'definitions' | 'selfNode' | 'self' | 'peers' | 'members' | 'digest' | 'readiness'
/** The client's loop can tell of interruptions, too. */
type Asking<T extends Register> = { [Name in Exclude<Question, 'events' | WithNothing>]: Parameters<T[Name]>[0] }

test('the types of both are one', () => {
  expectTypeOf<Different<Answers<RollcallNode>, Answers<Client>>>().toBeNever()
  expectTypeOf<Different<Asking<RollcallNode>, Asking<Client>>>().toBeNever()
  expectTypeOf<keyof Client>().toEqualTypeOf<
    Question | 'server' | 'pickOnce' | 'leave' | 'drain' | 'endDrain' | 'sessions'
  >()
})

const cluster = new Cluster(loopback())
let node: RollcallNode
let client: Client
let both: readonly Register[]
beforeAll(async () => {
  const daemon = await cluster.start('a', { args: ['--no-mdns'] })
  client = createClient({ server: daemon.url })
  node = await createNode({ memory: true, ...local, nodeId: 'b', join: [daemon.address] })
  both = [node, client]
  await client.register({ id: 'i', slug: 'web', url: daemon.url, tags: ['blue'] })
  await node.register({ id: 'j', slug: 'web', url: 'http://127.0.0.1:1', check: 'none', tags: ['green'] })
  await node.saveDefinition({ id: 'd', deep: [1, { x: null }] })
  await until('both hold and see the same', async () => {
    const [mine, his] = [node.lookup('web'), await client.lookup('web')]
    const isEqual = node.digest().digest === (await client.digest()).digest
    const listed = [mine, his].flatMap((one) => one?.instances ?? [])
    const isCompared = mine?.inStep === 1 && his?.inStep === 1
    return isCompared && isEqual && listed.length === 4 && listed.every(({ status }) => status === 'Healthy')
  })
})
afterAll(async () => {
  await node.stop()
  await cluster.close()
})

/** What changes from one moment to the next, and from one asker to the next, as its type alone. */
const passing = /^(lastHeartbeat|position|picked|.*Age_ms|usage)$/

function settled(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer, (name, value: unknown) => (passing.test(name) ? typeof value : value)) ?? 'null',
  )
}

async function ofBoth(ask: (register: Register) => unknown): Promise<unknown[]> {
  return Promise.all(both.map(async (register) => settled(await ask(register))))
}

describe('asked the same, both answer the same', () => {
  test.each<[string, (register: Register) => unknown]>([
    ['lookup', (register) => register.lookup('web')],
    ['lookup of nothing', (register) => register.lookup('nothing')],
    ['pick of nothing', (register) => register.pick('nothing')],
    ['instances', (register) => register.instances()],
    ['instances, by filters', (register) => register.instances({ slug: 'web', tag: 'blue' })],
    ['instances, by filters that nothing fits', (register) => register.instances({ slug: 'web', status: 'Error' })],
    ['instanceRows', (register) => register.instanceRows({ slug: 'web' })],
    ['definitions', (register) => register.definitions()],
    ['nodes', (register) => register.nodes()],
    ['nodes, by id', (register) => register.nodes(['b'])],
    ['pickNodes, where there are none', (register) => register.pickNodes({ by: 'cpu', zone: 'nowhere' })],
    ['nodes, by no id', (register) => register.nodes([])],
    ['readiness', (register) => register.readiness()],
    ['call, whose first instance may refuse', async (register) => (await register.call('web', '/healthz')).json()],
    ['fetch of nothing', (register) => register.fetch('rollcall://nothing/').catch((error: Error) => error.message)],
    ['digest', (register) => register.digest()],
  ])('%s', async (_, ask) => {
    const [mine, his] = await ofBoth(ask)
    expect(mine).toEqual(his)
  })

  test.each<[string, (register: Register) => unknown]>([
    ['self', (register) => register.self()],
    ['selfNode', (register) => register.selfNode()],
    ['members', (register) => register.members()],
    ['peers', (register) => register.peers()],
    ['pick', (register) => register.pick('web')],
    ['pickNodes', (register) => register.pickNodes({ by: 'memory', count: 2 })],
  ])('%s tells of another node, in the same fields', async (_, ask) => {
    const [mine, his] = await ofBoth(ask)
    expect(fieldsOf(mine)).toEqual(fieldsOf(his))
  })

  test.each<[string, string, (register: Register) => Promise<unknown>]>([
    ['deregister', 'not-found', (register) => register.deregister('nothing')],
    ['setMaintenance', 'not-found', (register) => register.setMaintenance('nothing')],
    ['update', 'not-found', (register) => register.update('nothing', { weight: 1 })],
    ['update of nothing', 'malformed', (register) => register.update('j', {})],
    ['update with a wrong field', 'malformed', (register) => register.update('j', { tag: 'x' } as object)],
    ['setStatus', 'malformed', (register) => register.setStatus('j', 'Fine' as 'Healthy')],
    ['renew without a ttl', 'conflict', (register) => register.renew('j')],
    ['suspect', 'not-found', (register) => register.suspect('nothing')],
    ['setMaintenanceOfAll', 'not-found', (register) => register.setMaintenanceOfAll({ slug: 'nothing' })],
    ['setMaintenanceOfAll of all', 'malformed', (register) => register.setMaintenanceOfAll({})],
    ['register with acks', 'malformed', (register) => register.register({ url: 'http://127.0.0.1:1' }, { acks: 0 })],
    ['deregister with a wrong option', 'malformed', (register) => register.deregister('j', { ack: 2 } as object)],
    ['update with a timeout alone', 'malformed', (register) => register.update('j', { weight: 1 }, { ackTimeout: 1 })],
    ['registerSelf', 'malformed', (register) => register.registerSelf({ url: '' }, { drainDelay: 'soon' })],
    ['lookup', 'malformed', async (register) => register.lookup('web', { maxAge: 'soon' })],
    ['lookup with a wrong option', 'malformed', async (register) => register.lookup('web', { maxage: 1 } as object)],
    ['pickNodes', 'malformed', async (register) => register.pickNodes({ by: 'power' as 'cpu' })],
    ['removeDefinition', 'not-found', (register) => register.removeDefinition('nothing')],
    ['removeNode', 'not-found', (register) => register.removeNode('http://nobody.test')],
    ['register', 'malformed', (register) => register.register({ url: '!' })],
    ['saveDefinition', 'malformed', (register) => register.saveDefinition({ id: '' })],
  ])('%s fails alike', async (_, code, ask) => {
    const messages: string[] = []
    for (const register of both) {
      const error = await ask(register).catch((error: unknown) => error)
      expect(error).toMatchObject({ name: 'RegistryError', code })
      messages.push((error as Error).message)
    }
    expect(messages[0]).toBe(messages[1])
  })

  test('writes give alike', async () => {
    const asked = (n: number): { id: string; url: string } => ({ id: `w${n}`, url: `http://127.0.0.1:1/${n}` })
    for (const [n, register] of both.entries()) {
      expect(await register.register(asked(n))).toEqual({ id: `w${n}` })
      expect(await register.setMaintenance(`w${n}`, 'so')).toBeUndefined()
      expect(await register.endMaintenance(`w${n}`)).toBeUndefined()
      expect(await register.update(`w${n}`, { weight: 1 })).toBeUndefined()
      expect(await register.deregister(`w${n}`)).toBeUndefined()
      expect(await register.saveDefinition({ id: `w${n}` })).toBeUndefined()
      expect(await register.removeDefinition(`w${n}`)).toBeUndefined()
    }
  })

  test('so many nodes as are told to hold a write, and the answer says how many do', async () => {
    for (const [n, register] of both.entries()) {
      const asked = { id: `k${n}`, url: `http://127.0.0.1:1/k${n}` }
      expect(await register.register(asked, { acks: 2, ackTimeout: '5s' })).toEqual({ id: `k${n}`, acks: 2 })
      for (const other of both) expect((await other.instanceRows({ id: `k${n}` })).instances).toHaveLength(1)
      expect(await register.setMaintenance(`k${n}`, 'so', { acks: 'all', ackTimeout: 5000 })).toEqual({ acks: 2 })
      expect(await register.update(`k${n}`, { weight: 1 }, { acks: 1 })).toEqual({ acks: 1 })
      expect(await register.deregister(`k${n}`, { acks: 3, ackTimeout: '20ms' })).toEqual({
        acks: expect.any(Number) as number,
      })
    }
  })

  test('a program that drains is picked nowhere by then, says how it is, and ends when it wants to', async () => {
    for (const [n, register] of both.entries()) {
      const own = await register.registerSelf({ slug: `own${n}`, url: `http://127.0.0.1:1/own${n}`, check: 'reported' })
      await own.setStatus('Degraded', { details: 'warming up' })
      await until('the status is known', () => Promise.resolve(own.status === 'Degraded'))
      await until('both pick it', async () => {
        const picks = await Promise.all(both.map(async (one) => one.lookup(`own${n}`)))
        return picks.every((found) => found?.picked?.id === own.id)
      })
      await own.drain({ delay: 1 })
      for (const other of both) {
        expect((await other.lookup(`own${n}`))?.instances).toEqual([])
        expect((await other.instanceRows({ id: own.id })).instances).toMatchObject([{ maintenance: 'draining' }])
      }
      await own.end()
      await own.drain() // of what is gone nothing is picked either
      await expect(own.drain({ dely: 1 } as object)).rejects.toThrow(/dely: there is no such option/)
    }
  })

  test('each does to what lives at the other whatever it does to its own, and reads it back', async () => {
    for (const [n, register] of both.entries()) {
      for (const id of ['i', 'j']) {
        await register.update(id, { weight: n + 1, metadata: { by: String(n) } })
        const { instances } = await register.instanceRows({ id })
        expect(instances[0]).toMatchObject({ weight: n + 1, metadata: { by: String(n) } })
        await register.update(id, { weight: null, metadata: null })
      }
    }
  })

  test('news begin by saying that they stand, and go on after an answer without a gap', async () => {
    for (const [n, register] of both.entries()) {
      const { position } = await register.instances({ slug: 'news' })
      const missing = await register.lookup('news')
      expect(missing).toBeUndefined()
      await register.register({ id: `n${n}`, slug: `news${n}`, url: `http://127.0.0.1:1/n${n}` })
      const seen: string[] = []
      for await (const { id, event } of register.events({ slug: `news${n}`, after: position })) {
        if (event.type === 'listening') expect(id).toBe(position)
        seen.push(event.type === 'instance' ? `${event.change} ${event.id}` : event.type)
        if (seen.length === 2) break
      }
      expect(seen).toEqual(['listening', `shown n${n}`])
    }
  })
})

describe('watching', () => {
  test('begins with the same list, also of nothing, and goes on with the same', async () => {
    const lists = async (register: Register, slug: string, id: string): Promise<unknown> => {
      const seen: unknown[] = []
      for await (const list of register.watch(slug)) {
        if (seen.length === 0) void register.register({ id, slug, url: `http://127.0.0.1:1/${id}`, check: 'none' })
        else if (list.instances.length === 0) continue
        seen.push(settled(list))
        if (seen.length === 2) return JSON.parse(JSON.stringify(seen).replaceAll(id, 'ID')) as unknown
      }
      return seen
    }
    const [mine, his] = [await lists(node, 'watched-ia', 'ia'), await lists(client, 'watched-ib', 'ib')]
    expect(fieldsOf(mine)).toEqual(fieldsOf(his))
    expect((mine as unknown[])[0]).toEqual({
      ...{ slug: 'watched-ID', degraded: false, unknown: true, instances: [], position: 'string' },
    })
    await Promise.all([node.deregister('ia'), client.deregister('ib')])
  })

  test('of what both hold gives the same, and waiting is over with it, or by its signal', async () => {
    const [mine, his] = await ofBoth((register) => register.waitFor('web', { count: 2 }))
    expect(mine).toEqual(his)
    const reason = new Error('enough')
    for (const register of both) {
      const signal = AbortSignal.abort(reason)
      await expect(register.waitFor('web', { count: 3, signal })).rejects.toBe(reason)
      await expect(register.waitFor('web', { count: 0 })).rejects.toThrow(/^count: /)
      expect(() => register.watch('')).toThrow(/^slug: /)
    }
  })

  test('does not keep a program that has picked, and has nothing else to do, from ending', async () => {
    const program = `
      import { createClient } from ${JSON.stringify(new URL('../../dist/client.js', import.meta.url).href)}
      const watched = []
      const client = createClient({ server: ${JSON.stringify(client.server)}, fetch: async (url, init) => {
        const answer = await fetch(url, init)
        watched.push(url.replace(/^.*\\/v1/, '') + ' ' + answer.status)
        return answer
      } })
      await client.pick('web')
      while (watched.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
      const { id } = await client.pick('web')
      console.log(watched.join(), id)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 30_000, // below the silence after which the stream would end anyway
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    expect(await once(child, 'close')).toEqual([0, null])
    expect(said).toMatch(/^\/lookup\/web 200,\/watch\/web 200 [ij]\n$/)
  })
})

/** What a node in a program has not: HTTP, and the figures of its machine. */
const ofDaemons = ['http', 'usage', 'load']

/** The types of all fields; the items of a list together. */
function fieldsOf(value: unknown): unknown {
  if (Array.isArray(value)) return [Object.assign({}, ...value.map(fieldsOf))]
  if (typeof value !== 'object' || value === null) return typeof value
  const fields = Object.entries(value).filter(([name]) => !ofDaemons.includes(name))
  return Object.fromEntries(fields.map(([name, inner]) => [name, fieldsOf(inner)]))
}

test.each([
  [{}, 'session'],
  [{ lifetime: 'persistent' }, 'persistent'],
  [{ ttl: '1m' }, 'ttl'],
] as const)('registered by the program itself with %o it lives alike', async (said, lifetime) => {
  for (const [at, register] of both.entries()) {
    const self = await register.registerSelf({
      id: `s${at}`,
      slug: `s${at}`,
      url: 'http://127.0.0.1:1',
      check: 'none',
      ...said,
    })
    const { instances } = await register.instanceRows({ id: self.id })
    expect(instances).toMatchObject([{ lifetime }])
    for (let times = 0; times < 2; times += 1) await self.end()
    expect((await register.instances({ id: self.id })).instances).toEqual([])
  }
})
