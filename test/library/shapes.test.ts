// One registry asked in three ways, in this program's memory, over HTTP, in a test: the answers have the same shapes, whatever is asked.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { type Client, createClient, createNode, type Registry, type RollcallNode } from '../../src/index.js'
import { createTestRegistry, type TestRegistry } from '../../src/testing.js'
import { Cluster, until } from '../daemon/cluster.js'
import { loopback } from '../daemon/place.js'
import { local } from './local.js'

type Question = keyof Registry
type Answers<T extends Registry> = { [Name in Question]: Awaited<ReturnType<T[Name]>> }
/** Not only fit for each other: the one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** The names of what is not the same in both. */
type Different<A, B extends Record<keyof A, unknown>> = {
  [Name in keyof A]: Same<A[Name], B[Name]> extends true ? never : Name
}[keyof A]
/** What is asked with nothing has but a signal, for which what answers at once has no use. */
type WithNothing = 'definitions' | 'selfNode' | 'self' | 'peers' | 'members' | 'digest' | 'readiness'
/** The client's loop can tell of interruptions, too. */
type Asking<T extends Registry> = { [Name in Exclude<Question, 'events' | WithNothing>]: Parameters<T[Name]>[0] }

test('the types of all are one', () => {
  expectTypeOf<Different<Answers<RollcallNode>, Answers<TestRegistry>>>().toBeNever()
  expectTypeOf<Different<Asking<RollcallNode>, Asking<TestRegistry>>>().toBeNever()
  expectTypeOf<Different<Answers<RollcallNode>, Answers<Client>>>().toBeNever()
  expectTypeOf<Different<Asking<RollcallNode>, Asking<Client>>>().toBeNever()
  expectTypeOf<keyof Client>().toEqualTypeOf<
    Question | 'server' | 'pickOnce' | 'leave' | 'drain' | 'endDrain' | 'instanceCounts' | 'sessions' | 'log'
  >()
})

const cluster = new Cluster(loopback())
let node: RollcallNode
let client: Client
/** The registry for tests, as two nodes that stand for the other two. */
let inTest: TestRegistry
let elsewhere: TestRegistry
let all: readonly Registry[]
/** What was asked of each. */
const questions = new Map<Registry, Set<string>>()
beforeAll(async () => {
  const daemon = await cluster.start('a', { args: ['--no-mdns'] })
  client = createClient({ server: daemon.url })
  node = await createNode({ memory: true, ...local, nodeId: 'b', join: [daemon.address] })
  const { node: there } = await client.selfNode()
  elsewhere = createTestRegistry({ nodeId: there.id, url: there.url, fetch: (input, init) => fetch(input, init) })
  inTest = elsewhere.join({ nodeId: 'b', url: node.selfNode().node.url })
  all = [node, client, inTest].map(noting)
  for (const [one, other] of [[client, node] as const, [elsewhere, inTest] as const]) {
    await one.register({ id: 'i', slug: 'web', url: daemon.url, tags: ['blue'] })
    await other.register({
      ...{ id: 'j', slug: 'web', url: 'http://127.0.0.1:1', tags: ['green'] },
      check: 'none',
      lifetime: 'persistent',
    })
    await other.saveDefinition({ id: 'd', deep: [1, { x: null }] })
  }
  inTest.kill('j') // where nobody listens
  await inTest.advance('5s')
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

/** The same, of which every call is remembered. */
function noting<T extends Registry>(registry: T): T {
  const names = new Set<string>()
  const noted = new Proxy(registry, {
    get(target, name) {
      names.add(String(name))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  questions.set(noted, names)
  return noted
}

/** Those who hold what is written there: two each. */
function holders(registry: Registry): readonly Registry[] {
  return registry === all[2] ? [inTest, elsewhere] : [node, client]
}

/** What comes of it, while time goes by in the registry for tests, too. */
async function passing<T>(task: Promise<T>): Promise<T> {
  const [answer] = await Promise.all([task, inTest.advance('1s')])
  return answer
}

/** What changes from one moment to the next, and from one asker to the next, as its type alone. */
const fleeting = /^(lastHeartbeat|position|picked|fromHere|.*Age_ms|usage)$/

function settled(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer, (name, value: unknown) => (fleeting.test(name) ? typeof value : value)) ?? 'null',
  )
}

async function ofAll(ask: (registry: Registry) => unknown): Promise<[unknown, unknown, unknown]> {
  return Promise.all(all.map(async (registry) => settled(await ask(registry)))) as Promise<[unknown, unknown, unknown]>
}

describe('asked the same, all answer the same', () => {
  test.each<[string, (registry: Registry) => unknown]>([
    ['lookup', (registry) => registry.lookup('web')],
    ['lookup of nothing', (registry) => registry.lookup('nothing')],
    ['pick of nothing', (registry) => registry.pick('nothing')],
    ['instances', (registry) => registry.instances()],
    ['instances, by filters', (registry) => registry.instances({ slug: 'web', tag: 'blue' })],
    ['instances, by filters that nothing fits', (registry) => registry.instances({ slug: 'web', status: 'Error' })],
    ['definitions', (registry) => registry.definitions()],
    ['nodes, by id', (registry) => registry.nodes(['b'])],
    ['pickNodes, where there are none', (registry) => registry.pickNodes({ by: 'cpu', zone: 'nowhere' })],
    ['readiness', (registry) => registry.readiness()],
    ['call, whose first instance may refuse', async (registry) => (await registry.call('web', '/healthz')).json()],
    ['fetch of nothing', (registry) => registry.fetch('rollcall://nothing/').catch((error: Error) => error.message)],
    ['pick by hash', (registry) => registry.pick('web', { strategy: 'hash', key: 'k' })],
    ['pick by tags', (registry) => registry.pick('web', { tags: ['blue'] })],
    ['pick by metadata', (registry) => registry.pick('web', { metadata: { a: 'b' } })],
    ['pick by port', (registry) => registry.pick('web', { port: 'grpc' })],
    ['pick but one', (registry) => registry.pick('web', { exclude: ['i'] })],
    ['lookup that may be old, in milliseconds', (registry) => registry.lookup('web', { maxAge: 60_000 })],
    ['lookup that may be old, in words', (registry) => registry.lookup('web', { maxAge: '1m' })],
    [
      'createFetch',
      async (registry) => (await registry.createFetch({ timeout: '5s' })('rollcall://web/healthz')).json(),
    ],
  ])('%s', async (_, ask) => {
    const [mine, his, tested] = await ofAll(ask)
    expect(mine).toEqual(his)
    expect(tested).toEqual(mine)
  })

  test.each<[string, string, (registry: Registry) => unknown]>([
    ['instanceRows', 'others own them', (registry) => registry.instanceRows({ slug: 'web' })],
    ['nodes', 'they have no machine', (registry) => registry.nodes()],
    ['nodes, by no id', 'they have no machine', (registry) => registry.nodes([])],
    ['digest', 'other keys have signed it', (registry) => registry.digest()],
  ])('%s, but for tests: %s', async (_, _why, ask) => {
    const [mine, his, tested] = await ofAll(ask)
    expect(mine).toEqual(his)
    expect(fieldsOf(tested, ofMachines)).toEqual(fieldsOf(mine, ofMachines))
  })

  test.each(['round-robin', 'random', 'least-loaded'] as const)('pick by %s, near or far', async (strategy) => {
    for (const registry of all)
      for (const prefer of [undefined, 'node', 'zone', 'region'] as const)
        expect((await registry.pick('web', { strategy, prefer }))?.id).toMatch(/^[ij]$/)
  })

  test.each<[string, (registry: Registry) => unknown]>([
    ['self', (registry) => registry.self()],
    ['selfNode', (registry) => registry.selfNode()],
    ['members', (registry) => registry.members()],
    ['peers', (registry) => registry.peers()],
    ['doctor', async (registry) => ({ ...(await registry.doctor()), findings: [] })],
    ['survey', (registry) => registry.survey()],
    ['history', async (registry) => ({ ...(await registry.history({ id: 'i' })), entries: [] })],
    ['pick', (registry) => registry.pick('web')],
    ['pickNodes', (registry) => registry.pickNodes({ by: 'memory', count: 2 })],
  ])('%s tells of another node, in the same fields', async (_, ask) => {
    const [mine, his, tested] = await ofAll(ask)
    expect(fieldsOf(mine)).toEqual(fieldsOf(his))
    expect(fieldsOf(tested, ofMachines)).toEqual(fieldsOf(mine, ofMachines))
  })

  test.each<[string, string, (registry: Registry) => Promise<unknown>]>([
    ['deregister', 'not-found', (registry) => registry.deregister('nothing')],
    ['setMaintenance', 'not-found', (registry) => registry.setMaintenance('nothing')],
    ['update', 'not-found', (registry) => registry.update('nothing', { weight: 1 })],
    ['update of nothing', 'malformed', (registry) => registry.update('j', {})],
    ['update with a wrong field', 'malformed', (registry) => registry.update('j', { tag: 'x' } as object)],
    [
      'pick by no such strategy',
      'malformed',
      async (registry) => registry.pick('web', { strategy: 'best' as 'random' }),
    ],
    ['pick with a wrong option', 'malformed', async (registry) => registry.pick('web', { strategi: 1 } as object)],
    ['pick by hash of nothing', 'malformed', async (registry) => registry.pick('web', { strategy: 'hash' })],
    ['createFetch', 'malformed', async (registry) => registry.createFetch({ timeout: 'soon' })],
    [
      'call with an option of createFetch',
      'malformed',
      (registry) => registry.call('web', '/', { timeout: '5s' } as object),
    ],
    ['setStatus', 'malformed', (registry) => registry.setStatus('j', 'Fine' as 'Healthy')],
    ['renew without a ttl', 'conflict', (registry) => registry.renew('j')],
    ['suspect', 'not-found', (registry) => registry.suspect('nothing')],
    ['setMaintenanceOfAll', 'not-found', (registry) => registry.setMaintenanceOfAll({ slug: 'nothing' })],
    ['setMaintenanceOfAll of all', 'malformed', (registry) => registry.setMaintenanceOfAll({})],
    ['register with acks', 'malformed', (registry) => registry.register({ url: 'http://127.0.0.1:1' }, { acks: 0 })],
    ['deregister with a wrong option', 'malformed', (registry) => registry.deregister('j', { ack: 2 } as object)],
    ['update with a timeout alone', 'malformed', (registry) => registry.update('j', { weight: 1 }, { ackTimeout: 1 })],
    ['registerSelf', 'malformed', (registry) => registry.registerSelf({ url: '' }, { drainDelay: 'soon' })],
    ['lookup', 'malformed', async (registry) => registry.lookup('web', { maxAge: 'soon' })],
    ['lookup of what nobody has', 'malformed', async (registry) => registry.lookup('nothing', { maxAge: 'soon' })],
    ['pick', 'malformed', async (registry) => registry.pick('web', { maxAge: 'soon' })],
    ['pick of what nobody has', 'malformed', async (registry) => registry.pick('nothing', { maxAge: -1 })],
    ['deregister what nobody has', 'malformed', (registry) => registry.deregister('nothing', { acks: 0 })],
    ['lookup with a wrong option', 'malformed', async (registry) => registry.lookup('web', { maxage: 1 } as object)],
    ['pickNodes', 'malformed', async (registry) => registry.pickNodes({ by: 'power' as 'cpu' })],
    ['removeDefinition', 'not-found', (registry) => registry.removeDefinition('nothing')],
    ['removeNode', 'not-found', (registry) => registry.removeNode('http://nobody.test')],
    ['register', 'malformed', (registry) => registry.register({ url: '!' })],
    ['saveDefinition', 'malformed', (registry) => registry.saveDefinition({ id: '' })],
  ])('%s fails alike', async (_, code, ask) => {
    const messages: string[] = []
    for (const registry of all) {
      const error = await ask(registry).catch((error: unknown) => error)
      expect(error).toMatchObject({ name: 'RegistryError', code })
      messages.push((error as Error).message)
    }
    expect(new Set(messages).size).toBe(1)
  })

  test('what is no signal, or no options, is refused before anything is done, and no other option goes on with a call', async () => {
    const ways: readonly ((registry: Registry, options: never) => unknown)[] = [
      (one, options) => one.register({ id: 'refused', url: 'http://127.0.0.1:1' }, options),
      (one, options) => one.registerSelf({ id: 'refused', url: 'http://127.0.0.1:1' }, options),
      (one, options) => one.deregister('i', options),
      (one, options) => one.update('i', { weight: 7 }, options),
      (one, options) => one.setStatus('i', 'Error', options),
      (one, options) => one.renew('i', options),
      (one, options) => one.suspect('i', options),
      (one, options) => one.setMaintenance('i', 'refused', options),
      (one, options) => one.endMaintenance('i', options),
      (one, options) => one.setMaintenanceOfAll({ slug: 'web' }, 'refused', options),
      (one, options) => one.endMaintenanceOfAll({ slug: 'web' }, options),
      (one, options) => one.saveDefinition({ id: 'refused' }, options),
      (one, options) => one.removeDefinition('d', options),
      (one, options) => one.removeNode('nobody', options),
      (one, options) => one.lookup('web', options),
      (one, options) => one.pick('web', options),
      (one, options) => one.instances({}, options),
      (one, options) => one.instanceRows({}, options),
      (one, options) => one.nodes([], options),
      (one, options) => one.waitFor('web', options),
      (one, options) => one.watch('web', options),
      (one, options) => one.definitions(options),
      (one, options) => one.selfNode(options),
      (one, options) => one.self(options),
      (one, options) => one.peers(options),
      (one, options) => one.members(options),
      (one, options) => one.digest(options),
      (one, options) => one.readiness(options),
      (one, options) => one.survey(options),
      (one, options) => one.doctor(options),
      (one, options) => one.history(options),
    ]
    const before = await Promise.all(all.map(async (one) => (await one.instances()).instances))
    for (const registry of all) {
      for (const way of ways) {
        const saying = async (options: unknown): Promise<unknown> => way(registry, options as never)
        for (const signal of [null, 5, {}])
          await expect(saying({ signal }), String(way)).rejects.toThrow(/^signal: must be an AbortSignal/)
        for (const options of [null, 5]) await expect(saying(options), String(way)).rejects.toThrow(/^options: must be/)
        await expect(saying({ at: 'http://127.0.0.1:1' }), String(way)).rejects.toThrow(/^at: there is no such option/)
      }
    }
    expect((await client.definitions()).definitions).toEqual([{ id: 'd', deep: [1, { x: null }] }])
    const after = await Promise.all(all.map(async (one) => (await one.instances()).instances.map(({ id }) => id)))
    expect(after).toEqual(before.map((instances) => instances.map(({ id }) => id)))
  })

  test('writes give alike', async () => {
    const asked = (n: number): { id: string; url: string } => ({ id: `w${n}`, url: `http://127.0.0.1:1/${n}` })
    for (const [n, registry] of all.entries()) {
      expect(await registry.register(asked(n))).toEqual({ id: `w${n}` })
      expect(await registry.setMaintenance(`w${n}`, 'so')).toBeUndefined()
      expect(await registry.endMaintenance(`w${n}`)).toBeUndefined()
      const many = { done: [`w${n}`], failed: [] }
      await registry.update(`w${n}`, { metadata: { x: 'y' } })
      await registry.register({ ...asked(n), slug: `many${n}` })
      expect(await registry.setMaintenanceOfAll({ slug: `many${n}` }, 'so')).toEqual(many)
      expect(await registry.endMaintenanceOfAll({ slug: `many${n}` })).toEqual(many)
      expect(await registry.setStatus(`w${n}`, 'Degraded', { details: 'so', for: '1m' })).toBeUndefined()
      expect(await registry.suspect(`w${n}`)).toMatchObject({
        ...{ status: expect.any(String) as string, checked: expect.any(Boolean) as boolean },
      })
      expect(await registry.update(`w${n}`, { weight: 1 })).toBeUndefined()
      expect(await registry.deregister(`w${n}`)).toBeUndefined()
      expect(await registry.saveDefinition({ id: `w${n}` })).toBeUndefined()
      expect(await registry.removeDefinition(`w${n}`)).toBeUndefined()
    }
  })

  test('so many nodes as are told to hold a write, and the answer says how many do', async () => {
    for (const [n, registry] of all.entries()) {
      const asked = { id: `k${n}`, url: `http://127.0.0.1:1/k${n}` }
      expect(await registry.register(asked, { acks: 2, ackTimeout: '5s' })).toEqual({ id: `k${n}`, acks: 2 })
      for (const other of holders(registry))
        expect((await other.instanceRows({ id: `k${n}` })).instances).toHaveLength(1)
      expect(await registry.setMaintenance(`k${n}`, 'so', { acks: 'all', ackTimeout: 5000 })).toEqual({ acks: 2 })
      expect(await registry.update(`k${n}`, { weight: 1 }, { acks: 1 })).toEqual({ acks: 1 })
      expect(await registry.deregister(`k${n}`, { acks: 3, ackTimeout: '20ms' })).toEqual({
        acks: expect.any(Number) as number,
      })
    }
  })

  test('a program that drains is picked nowhere by then, says how it is, and ends when it wants to', async () => {
    for (const [n, registry] of all.entries()) {
      const own = await registry.registerSelf({ slug: `own${n}`, url: `http://127.0.0.1:1/own${n}`, check: 'reported' })
      await own.setStatus('Degraded', { details: 'warming up' })
      await until('the status is known', () => Promise.resolve(own.status === 'Degraded'))
      await until('all pick it', async () => {
        const picks = await Promise.all(holders(registry).map(async (one) => one.lookup(`own${n}`)))
        return picks.every((found) => found?.picked?.id === own.id)
      })
      await passing(own.drain({ delay: 1 }))
      for (const other of holders(registry)) {
        expect((await other.lookup(`own${n}`))?.instances).toEqual([])
        expect((await other.instanceRows({ id: own.id })).instances).toMatchObject([{ maintenance: 'draining' }])
      }
      await own.end()
      await own.drain() // of what is gone nothing is picked either
      await expect(own.drain({ dely: 1 } as object)).rejects.toThrow(/dely: there is no such option/)
    }
  })

  test('each does to what lives at the other whatever it does to its own, and reads it back', async () => {
    for (const [n, registry] of all.entries()) {
      for (const id of ['i', 'j']) {
        await registry.update(id, { weight: n + 1, metadata: { by: String(n) } })
        const { instances } = await registry.instanceRows({ id })
        expect(instances[0]).toMatchObject({ weight: n + 1, metadata: { by: String(n) } })
        await registry.update(id, { weight: null, metadata: null })
      }
    }
  })

  test('news begin by saying that they stand, and go on after an answer without a gap', async () => {
    for (const [n, registry] of all.entries()) {
      const { position } = await registry.instances({ slug: 'news' })
      const missing = await registry.lookup('news')
      expect(missing).toBeUndefined()
      await registry.register({ id: `n${n}`, slug: `news${n}`, url: `http://127.0.0.1:1/n${n}` })
      const seen: string[] = []
      for await (const { id, event } of registry.events({ slug: `news${n}`, after: position })) {
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
    const lists = async (registry: Registry, slug: string, id: string): Promise<unknown> => {
      const seen: unknown[] = []
      for await (const list of registry.watch(slug)) {
        if (seen.length === 0) void registry.register({ id, slug, url: `http://127.0.0.1:1/${id}`, check: 'none' })
        else if (list.instances.length === 0) continue
        seen.push(settled(list))
        if (seen.length === 2) return JSON.parse(JSON.stringify(seen).replaceAll(id, 'ID')) as unknown
      }
      return seen
    }
    const [mine, his, tested] = [
      await lists(node, 'watched-ia', 'ia'),
      await lists(client, 'watched-ib', 'ib'),
      await passing(lists(inTest, 'watched-ic', 'ic')),
    ]
    expect(fieldsOf(mine)).toEqual(fieldsOf(his))
    expect(fieldsOf(tested)).toEqual(fieldsOf(mine))
    expect((mine as unknown[])[0]).toEqual({
      ...{ slug: 'watched-ID', degraded: false, unknown: true, instances: [], position: 'string' },
    })
    await Promise.all([node.deregister('ia'), client.deregister('ib')])
  })

  test('of what both hold gives the same, and waiting is over with it, or by its signal', async () => {
    const [mine, his, tested] = await ofAll((registry) => registry.waitFor('web', { count: 2 }))
    expect(mine).toEqual(his)
    expect(tested).toEqual(mine)
    const reason = new Error('enough')
    for (const registry of all) {
      const signal = AbortSignal.abort(reason)
      await expect(registry.waitFor('web', { count: 3, signal })).rejects.toBe(reason)
      await expect(registry.waitFor('web', { count: 0 })).rejects.toThrow(/^count: /)
      expect(() => registry.watch('')).toThrow(/^slug: /)
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

/** What a node of a test has not: wires, a machine with figures. */
const ofMachines = [
  ...ofDaemons,
  'address',
  'direction',
  'connectedSince',
  'roundTrip_ms',
  'rtt_ms',
  'room',
  'roomAge_ms',
]

/** The types of all fields, but for some; the items of a list together. */
function fieldsOf(value: unknown, without = ofDaemons): unknown {
  if (Array.isArray(value)) return [Object.assign({}, ...value.map((item) => fieldsOf(item, without)))]
  if (typeof value !== 'object' || value === null) return typeof value
  const fields = Object.entries(value).filter(([name]) => !without.includes(name))
  return Object.fromEntries(fields.map(([name, inner]) => [name, fieldsOf(inner, without)]))
}

test.each([
  [{}, 'session'],
  [{ lifetime: 'persistent' }, 'persistent'],
  [{ ttl: '1m' }, 'ttl'],
] as const)('registered by the program itself with %o it lives alike', async (said, lifetime) => {
  for (const [at, registry] of all.entries()) {
    const self = await registry.registerSelf({
      id: `s${at}`,
      slug: `s${at}`,
      url: 'http://127.0.0.1:1',
      check: 'none',
      ...said,
    })
    const { instances } = await registry.instanceRows({ id: self.id })
    expect(instances).toMatchObject([{ lifetime }])
    for (let times = 0; times < 2; times += 1) await self.end()
    expect((await registry.instances({ id: self.id })).instances).toEqual([])
  }
})

/** Everything there is, asked by somebody who has given up: the compiler sees to it that nothing is missing. */
const givenUp: Record<Exclude<keyof Registry, 'events'>, (registry: Registry, signal: AbortSignal) => unknown> = {
  register: (registry, signal) => registry.register({ url: 'http://127.0.0.1:1/never' }, { signal }),
  registerSelf: (registry, signal) => registry.registerSelf({ url: 'http://127.0.0.1:1/never' }, { signal }),
  deregister: (registry, signal) => registry.deregister('i', { signal }),
  setMaintenance: (registry, signal) => registry.setMaintenance('i', 'so', { signal }),
  endMaintenance: (registry, signal) => registry.endMaintenance('i', { signal }),
  setMaintenanceOfAll: (registry, signal) => registry.setMaintenanceOfAll({ slug: 'web' }, 'so', { signal }),
  endMaintenanceOfAll: (registry, signal) => registry.endMaintenanceOfAll({ slug: 'web' }, { signal }),
  update: (registry, signal) => registry.update('i', { weight: 1 }, { signal }),
  setStatus: (registry, signal) => registry.setStatus('i', 'Error', { signal }),
  renew: (registry, signal) => registry.renew('i', { signal }),
  suspect: (registry, signal) => registry.suspect('i', { signal }),
  lookup: (registry, signal) => registry.lookup('web', { signal }),
  pick: (registry, signal) => registry.pick('web', { signal }),
  watch: (registry, signal) => registry.watch('web', { signal }).next(),
  waitFor: (registry, signal) => registry.waitFor('web', { signal }),
  instances: (registry, signal) => registry.instances({}, { signal }),
  instanceRows: (registry, signal) => registry.instanceRows({}, { signal }),
  saveDefinition: (registry, signal) => registry.saveDefinition({ id: 'never' }, { signal }),
  removeDefinition: (registry, signal) => registry.removeDefinition('d', { signal }),
  definitions: (registry, signal) => registry.definitions({ signal }),
  nodes: (registry, signal) => registry.nodes([], { signal }),
  pickNodes: (registry, signal) => registry.pickNodes({ by: 'cpu', signal }),
  selfNode: (registry, signal) => registry.selfNode({ signal }),
  removeNode: (registry, signal) => registry.removeNode('http://nobody.test', { signal }),
  self: (registry, signal) => registry.self({ signal }),
  peers: (registry, signal) => registry.peers({ signal }),
  members: (registry, signal) => registry.members({ signal }),
  digest: (registry, signal) => registry.digest({ signal }),
  readiness: (registry, signal) => registry.readiness({ signal }),
  doctor: (registry, signal) => registry.doctor({ signal }),
  survey: (registry, signal) => registry.survey({ signal }),
  history: (registry, signal) => registry.history({ signal }),
  fetch: (registry, signal) => registry.fetch('rollcall://web/healthz', { signal }),
  createFetch: (registry, signal) => registry.createFetch()('rollcall://web/healthz', { signal }),
  call: (registry, signal) => registry.call('web', '/healthz', { signal }),
}

test.each(Object.entries(givenUp))('%s of somebody who has given up does nothing, for his reason', async (_, ask) => {
  const reason = new Error('enough')
  for (const registry of all)
    await expect((async () => ask(registry, AbortSignal.abort(reason)))()).rejects.toBe(reason)
})

test('news of somebody who has given up end quietly', async () => {
  for (const registry of all)
    for await (const item of registry.events({ signal: AbortSignal.abort() })) expect(item).toBeUndefined()
})

test('each of them was asked everything that there is', () => {
  const names = [...Object.keys(givenUp), 'events']
  for (const seen of questions.values()) expect(names.filter((name) => !seen.has(name))).toEqual([])
})
