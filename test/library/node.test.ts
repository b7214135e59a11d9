// A node inside a program: real nodes in this process, in memory and on disk, from their start to an end that leaves nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Registry as MetricsRegistry, register as globalRegister } from 'prom-client'
import { describe, expect, test, vi } from 'vitest'
import { Registry } from '../../src/core/registry.js'
import { createNode, generateClusterKey, RegistryError } from '../../src/index.js'
import type { LentLog, NodeEvents, NodeOptions, RollcallNode } from '../../src/index.js'
import { LevelStorage } from '../../src/io/storage/level.js'
import { silentLog } from '../../src/log.js'
import { eventually } from '../io/eventually.js'
import { keep, local, start, temporaryDir } from './local.js'

async function pair(): Promise<[RollcallNode, RollcallNode]> {
  const a = await start({ nodeId: 'a' })
  const b = await start({ nodeId: 'b', join: a.addresses })
  await eventually('both see two nodes', () => a.nodes().nodes.length === 2 && b.nodes().nodes.length === 2)
  return [a, b]
}

/** Something that accepts connections, so that its instances are healthy. */
async function listening(): Promise<{ url: string; close: () => void }> {
  const server = createServer((socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

describe('two nodes in one process', () => {
  test('warn of an instance that only its own machine can call', async () => {
    const [a] = await pair()
    const warnings: string[] = []
    a.on('warning', ({ message }) => warnings.push(message))
    for (const url of ['http://localhost:1', 'http://localhost:1', 'http://10.0.0.7:1', 'http://[::1]:2'])
      await a.register({ slug: 'web', url })
    expect(warnings).toEqual([
      expect.stringMatching(/web was registered here, but http:\/\/localhost:1 means something else/),
      expect.stringMatching(/web was registered here, but http:\/\/\[::1\]:2 means something else/),
    ])
  })

  test('share what is registered at either, until it is removed at either', async () => {
    const [a, b] = await pair()
    const web = await listening()
    const { id } = await a.register({ slug: 'web', url: web.url, tags: ['blue'], deploymentId: 'd1' })
    const seen = await eventually(
      'b calls it healthy',
      () => b.instances({ slug: 'web', status: 'Healthy' }).instances[0],
    )
    expect(seen).toMatchObject({ id, url: web.url, tags: ['blue'], nodeUrl: `rollcall://${a.peerId}` })
    expect(b.lookup('web')).toMatchObject({ slug: 'web', degraded: false, picked: { id }, instances: [{ id }] })
    expect(b.instances({ tag: 'green' }).instances).toEqual([])
    // What its node says of itself is looked at, too, of those whose record fits.
    const nodeUrl = `rollcall://${a.peerId}`
    expect(b.instanceRows({ tag: 'blue', nodeUrl }).instances).toMatchObject([{ id }])
    for (const filters of [{ tag: 'green', nodeUrl }, { tag: 'blue', nodeUrl: 'x' }, { zone: 'z' }])
      expect(b.instanceRows(filters).instances).toEqual([])
    await b.deregister(id)
    await eventually('a has lost it', () => a.lookup('web') === undefined)
    web.close()
  })

  test('pick nothing that fetch has left out, nor what its caller suspects; maxAge is theirs as that of lookups', async () => {
    const [a, b] = await pair()
    const broken = await listening() // answers no request
    const well = createHttpServer((_, response) => response.end()).listen(0, '127.0.0.1')
    await once(well, 'listening')
    const url = `http://127.0.0.1:${(well.address() as AddressInfo).port}`
    await b.register({ id: 'bad', slug: 'web', url: broken.url, check: 'none' })
    for (const id of ['i', 'j', 'k']) await b.register({ id, slug: 'web', url: `${url}/${id}`, check: 'none' })
    await eventually('a lists them', () => a.lookup('web')?.instances.length === 4)
    const picked = (): string => [...new Set(Array.from({ length: 12 }, () => a.pick('web')?.id))].sort().join()
    expect(picked()).toBe('bad,i,j,k')
    for (let i = 0; i < 12; i += 1) await a.fetch('rollcall://web/')
    expect(picked()).toBe('i,j,k')
    await a.suspect('i')
    expect(picked()).toBe('j,k')
    expect(a.instanceRows({ id: 'i' }).instances[0]?.fromHere).toMatchObject({ reached: false, how: 'suspected' })
    expect(a.pick('web', { maxAge: '1m' })).toBeDefined()
    expect(() => a.pick('web', { maxAge: 0 })).toThrow(/maxAge: what this node knows of "web" is/)
    expect(a.pick('nothing', { maxAge: 0 })).toBeUndefined()
    broken.close()
    well.close().closeAllConnections()
  })

  test('hide an instance that any of them takes into maintenance, until that ends', async () => {
    const [a, b] = await pair()
    const web = await listening()
    const { id } = await a.register({ slug: 'web', url: web.url })
    const isSeen = (): boolean => b.pick('web') !== undefined
    await eventually('b can call it', isSeen)
    await a.setMaintenance(id, 'new disk')
    expect(a.lookup('web')).toMatchObject({ instances: [] })
    await eventually('b calls it no more', () => !isSeen())
    await a.endMaintenance(id)
    expect(a.pick('web')?.id).toBe(id)
    await eventually('b can call it again', isSeen)
    await a.setMaintenance(id)
    await eventually('b calls it no more', () => !isSeen())
    await a.register({ slug: 'web', url: web.url })
    expect(a.pick('web')).toBeUndefined() // a program registers at each start
    await a.endMaintenance(id)
    await b.setMaintenance(id, 'mine') // of another node, and read back at once
    expect(b.lookup('web')).toMatchObject({ instances: [] })
    await b.endMaintenance(id)
    expect([a.pick('web')?.id, b.pick('web')?.id]).toEqual([id, id])
    web.close()
  })

  test('show their metrics each in a register of its own, until they have stopped', async () => {
    const [register, other] = [new MetricsRegistry(), new MetricsRegistry()]
    const node = await start({ metrics: { register } })
    await expect(start({ metrics: { register } })).rejects.toThrow('each node needs a register of its own')
    await start({ metrics: { register: other }, join: node.addresses })
    await node.register({ id: 'a', slug: 'web', url: 'http://10.0.0.1', check: 'none' })
    await eventually('both are seen', async () => (await other.metrics()).includes('rollcall_members{state="alive"} 2'))
    for (const slug of ['web', 'web', 'nobody']) node.pick(slug)
    node.lookup('web')
    expect(await register.metrics()).toContain('rollcall_lookups_total{door="library",result="found"} 3')
    expect(await register.metrics()).toContain('rollcall_lookups_total{door="library",result="unknown"} 1')
    expect(await register.metrics()).not.toContain('process_cpu')
    expect(globalRegister.getMetricsAsArray()).toEqual([])
    await node.stop()
    expect(register.getMetricsAsArray()).toEqual([])
  })

  test('share definitions, agree on their digest, and list each other', async () => {
    const [a, b] = await pair()
    await a.saveDefinition({ id: 'web-service', image: { name: 'web' } })
    await eventually('b lists it', () => b.definitions().definitions[0]?.id === 'web-service')
    await eventually('equal', () => a.digest().digest === b.digest().digest)
    expect(b.members().members.map(({ nodeId, state }) => [nodeId, state])).toEqual(
      expect.arrayContaining([
        ['a', 'alive'],
        ['b', 'alive'],
      ]),
    )
    await eventually('connected', () => a.peers().peers[0]?.connected)
    expect(a.peers().peers[0]?.nodeId).toBe('b')
    expect(a.self()).toMatchObject({ nodeId: 'a', peer: a.peerId, cluster: 'default' })
    expect(a.self().http).toBeUndefined()
    await b.removeDefinition('web-service')
    await eventually('a lists none', () => a.definitions().definitions.length === 0)
  })

  test('part without a silence: the one that stops says goodbye', async () => {
    const [a, b] = await pair()
    const said: string[] = []
    a.on('member', ({ nodeId, to }) => said.push(`${nodeId} ${to}`))
    await b.stop()
    await eventually('a was told', () => said.includes('b left'))
    expect(a.nodes().nodes.map(({ id }) => id)).toEqual(['a'])
  })

  test('of other clusters, or with other keys, never meet', async () => {
    const key = generateClusterKey()
    const a = await start({ nodeId: 'a', clusterKey: key })
    const b = await start({ nodeId: 'b', clusterKey: key, join: a.addresses })
    const stranger = await start({ nodeId: 'c', join: a.addresses })
    const other = await start({ nodeId: 'd', clusterKey: key, cluster: 'other', join: a.addresses })
    await eventually('a and b meet', () => a.nodes().nodes.length === 2 && b.nodes().nodes.length === 2)
    await Promise.all([stranger.ready(), other.ready()])
    expect(stranger.nodes().nodes.map(({ id }) => id)).toEqual(['c'])
    expect(other.nodes().nodes.map(({ id }) => id)).toEqual(['d'])
  })
})

describe('reads', () => {
  test('an unknown slug is undefined; a known one with nothing to call is a list without a pick', async () => {
    const node = await start()
    expect(node.lookup('web')).toBeUndefined()
    expect(node.pick('web')).toBeUndefined()
    await node.register({ slug: 'web', url: 'http://127.0.0.1:1' })
    await eventually('found unreachable', () => node.instances({ status: 'Unreachable' }).instances.length === 1)
    expect(node.lookup('web')).toMatchObject({ instances: [{ slug: 'web' }], degraded: false })
    expect(node.lookup('web')).not.toHaveProperty('picked')
    expect(node.pick('web')).toBeUndefined()
  })

  test('picks go round, each time the same object, which tells of every change', async () => {
    const node = await start()
    const servers = [await listening(), await listening()]
    for (const { url } of servers) await node.register({ slug: 'web', url })
    await eventually('both healthy', () => node.instances({ status: 'Healthy' }).instances.length === 2)
    const [first, second, third] = [node.pick('web'), node.pick('web'), node.pick('web')]
    expect(new Set([first?.url, second?.url])).toEqual(new Set(servers.map(({ url }) => url)))
    expect(third).toBe(first)
    await node.register({ slug: 'web', url: first!.url, tags: ['new'] })
    const picked = [node.pick('web'), node.pick('web')].find((one) => one?.url === first?.url)
    expect(picked?.tags).toEqual(['new'])
    for (const { close } of servers) close()
  })

  test('what was given out cannot be changed', async () => {
    const node = await start()
    await node.register({ slug: 'web', url: 'http://127.0.0.1:1', tags: ['a'] })
    await node.saveDefinition({ id: 'd', deep: { list: [1] } })
    const { tags } = node.instances().instances[0]!
    expect(() => (tags as string[]).push('b')).toThrow(TypeError)
    const [definition] = node.definitions().definitions as unknown as [{ deep: { list: number[] } }]
    expect(() => definition.deep.list.push(2)).toThrow(TypeError)
    expect(() => ((node.pick('web') as { url: string }).url = 'x')).toThrow(TypeError)
    expect(node.instances().instances[0]?.tags).toEqual(['a'])
  })
})

describe('events', () => {
  test('listeners are told in order until they end it; one that throws or rejects harms nobody', async () => {
    const node = await start()
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const told: string[] = []
    node.on('instance', () => {
      throw new Error('first fault')
    })
    node.on('instance', () => Promise.reject(new Error('second fault')))
    const end = node.on('instance', ({ change, instance }) => void told.push(`${change} ${instance?.tags?.join()}`))
    const { id } = await node.register({ url: 'http://127.0.0.1:1', tags: ['a'] })
    await node.register({ id, url: 'http://127.0.0.1:1', tags: ['b'] })
    await eventually('told', () => told.includes('changed b'))
    expect(told[0]).toBe('shown a')
    end()
    end()
    const before = told.length
    await node.deregister(id)
    expect(told).toHaveLength(before)
    await eventually('both faults are shown', () => warnings.length >= 2)
    process.off('warning', onWarning)
    expect(warnings.map(({ message }) => message).join()).toMatch(/'instance' threw.*first fault[\s\S]*second fault/)
    expect(node.readiness().ready).toBe(true)
  })

  test('a loop over the news ends with its signal, and with the node', async () => {
    const node = await start()
    const abort = new AbortController()
    const read = async (signal?: AbortSignal): Promise<string[]> => {
      const got: string[] = []
      for await (const { event } of node.events(signal === undefined ? {} : { signal })) {
        if (event.type === 'instance') got.push(event.change)
        if (event.type === 'instance' && event.change === 'hidden') abort.abort()
      }
      return got
    }
    const loops = [read(abort.signal), read()]
    const { id } = await node.register({ url: 'http://127.0.0.1:1' })
    await node.deregister(id)
    expect(await loops[0]).toEqual(expect.arrayContaining(['shown', 'hidden']))
    await node.stop()
    expect(await loops[1]).toEqual(await loops[0])
  })

  test('a listener may call the node, and stop it', async () => {
    const node = await start()
    const stopped = new Promise<NodeEvents['stopped']>((resolve) => node.on('stopped', resolve))
    node.on('instance', async ({ change, id }) => {
      if (change === 'shown') await node.deregister(id)
      if (change === 'hidden') await node.stop()
    })
    await node.register({ url: 'http://127.0.0.1:1' })
    expect(await stopped).toEqual({ type: 'stopped' })
  })
})

describe('a node on disk', () => {
  test('is the same one after a restart, with what was acknowledged', async () => {
    const dataDir = await temporaryDir()
    const first = keep(await createNode({ dataDir, ...local }))
    const { id } = await first.register({ slug: 'web', url: 'http://127.0.0.1:1' })
    await first.stop()
    const second = keep(await createNode({ dataDir, ...local }))
    expect(second.peerId).toBe(first.peerId)
    expect(second.instances().instances.map((one) => one.id)).toEqual([id])
  })

  test('shares its directory with nobody: the second one is told so, and does the first no harm', async () => {
    const dataDir = await temporaryDir()
    const first = keep(await createNode({ dataDir, ...local }))
    await expect(createNode({ dataDir, ...local })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/data directory .*another node in this very process/) as string,
    })
    await first.register({ url: 'http://127.0.0.1:1' })
    await first.stop()
    const names = await readdir(dataDir)
    expect(names).toContain('db')
    expect(names).not.toContain('holder.json')
  })

  test('whose disk refuses writes warns once, and once that it is over', async () => {
    const node = keep(await createNode({ dataDir: await temporaryDir(), ...local }))
    await node.ready()
    const warnings: string[] = []
    node.on('warning', ({ message }) => warnings.push(message))
    const disk = vi.spyOn(LevelStorage.prototype, 'write').mockRejectedValue(new Error('ENOSPC: no space left'))
    try {
      await expect(node.register({ url: 'http://127.0.0.1:1' })).rejects.toThrow(/disk refused.*ENOSPC/)
      await eventually('it is tried again', () => disk.mock.calls.length >= 3)
    } finally {
      disk.mockRestore()
    }
    await eventually('it is over', () => node.readiness().ready)
    // Notes of its own, which are written beside the copies of others, may be refused meanwhile, too.
    expect(warnings.filter((message) => !message.includes('records of other nodes'))).toEqual([
      expect.stringMatching(/^the disk refuses the records of this node \(.*ENOSPC.*\): writes fail/),
      'the disk takes the records of this node again: writes are accepted',
    ])
  })

  test('that lost its store says so to whoever listens', async () => {
    const dataDir = await temporaryDir()
    await (await createNode({ dataDir, ...local })).stop()
    await rm(join(dataDir, 'db'), { recursive: true })
    const node = keep(await createNode({ dataDir, ...local }))
    const { message } = await new Promise<NodeEvents['warning']>((resolve) => node.on('warning', resolve))
    expect(message).toMatch(/database .* was missing/)
  })
})

test('a node knows from its start on what it is, and where it stands, long before others do', async () => {
  const said = { nodeId: 'here', url: 'http://here.test', region: 'r', zone: 'z' }
  const node = await createNode({ memory: true, ...local, ...said })
  expect(node.readiness().ready).toBe(false)
  expect(node.selfNode().node).toMatchObject({ id: 'here', url: said.url, region: 'r', availabilityZone: 'z' })
  await node.stop()
})

test('in memory each start is another node', async () => {
  const register = [{ slug: 'web', url: 'http://127.0.0.1:1' }]
  const first = keep(await createNode({ memory: true, ...local, register }))
  expect(first.lookup('web')?.instances).toMatchObject(register) // at once
  await first.stop()
  const second = await start()
  expect(second.peerId).not.toBe(first.peerId)
  expect(second.instances().instances).toEqual([])
})

describe('the end', () => {
  test('any number of times; after it every call says that it is over', async () => {
    const node = await start()
    await node.ready()
    await Promise.all([node.stop(), node.stop()]).then(() => node.stop())
    const over = { code: 'unavailable', message: expect.stringMatching(/has stopped/) as string }
    for (const call of [() => node.pick('x'), () => node.lookup('x'), () => node.instances(), () => node.self()]) {
      expect(call).toThrow(expect.objectContaining(over) as Error)
    }
    await expect(node.register({ url: 'http://a.test' })).rejects.toMatchObject(over)
    await expect(node.ready()).resolves.toBeUndefined() // it was
    for await (const item of node.events()) throw new Error(`news after the end: ${item.id}`)
  })

  test('of the block that owns it', async () => {
    let owned: RollcallNode
    {
      await using node = await createNode({ memory: true, ...local })
      owned = node
      await node.register({ url: 'http://127.0.0.1:1' })
    }
    expect(() => owned.nodes()).toThrow(/has stopped/)
  })

  test('by a signal: before the start, while it starts, and later', async () => {
    await expect(createNode({ memory: true, ...local, signal: AbortSignal.abort() })).rejects.toThrow(/aborted/)
    const early = new AbortController()
    const starting = createNode({ memory: true, ...local, signal: early.signal })
    early.abort(new Error('changed my mind'))
    await expect(starting).rejects.toThrow('changed my mind')
    const late = new AbortController()
    const node = await start({ signal: late.signal })
    const stopped = new Promise((resolve) => node.on('stopped', resolve))
    late.abort()
    await stopped
    expect(() => node.nodes()).toThrow(/has stopped/)
  })

  test('whoever waits for readiness may lose patience', async () => {
    const node = await start()
    await expect(node.ready({ signal: AbortSignal.abort(new Error('too long')) })).rejects.toThrow('too long')
    const abort = new AbortController()
    const waiting = node.ready({ signal: abort.signal })
    abort.abort(new Error('no longer'))
    await expect(waiting).rejects.toThrow('no longer')
    await node.ready()
  })

  test('over a bug of ours: the node ends by itself, says why, and serves nothing from what it no longer trusts', async () => {
    const node = await start()
    await node.ready()
    const stopped = new Promise<NodeEvents['stopped']>((resolve) => node.on('stopped', resolve))
    vi.spyOn(Registry.prototype, 'handle').mockImplementation(() => {
      throw new Error('assertion failed: never')
    })
    const { error } = await stopped
    vi.restoreAllMocks()
    expect(error).toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/bug in rollcall.*assertion failed: never/) as string,
    })
    expect(() => node.pick('x')).toThrow(error)
    await node.stop()
  })

  test('leaves nothing that holds the program: it ends by itself', async () => {
    const program = `
      import { createNode } from './dist/index.js'
      const local = { mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] }
      const a = await createNode({ memory: true, ...local })
      const b = await createNode({ memory: true, ...local, join: a.addresses })
      await b.register({ slug: 'web', url: 'http://127.0.0.1:1' })
      for await (const { event } of a.events()) if (event.type === 'instance') break
      await Promise.all([a.stop(), b.stop()])
      const turn = () => new Promise(setImmediate)
      const held = () => process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|Immediate)$/.test(name))
      // A listener that was closed is gone with the next turn, queues say for a millisecond that they are empty, what is read ends.
      for (const end = performance.now() + 500; held().length > 0 && performance.now() < end;) await turn()
      process.stdout.write(JSON.stringify(held()))`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
    const [code] = (await once(child, 'close')) as [number]
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual([])
  })
})

describe('what is wrong is named', () => {
  test.each<[object, RegExp]>([
    [{}, /^dataDir: missing.*memory: true/],
    [{ memory: true, dataDir: '/x' }, /^dataDir and memory: .*one of the two/],
    [{ memory: 1 }, /^memory: must be true or false/],
    [{ memory: true, datadir: '/x' }, /^datadir: there is no such option; did you mean dataDir\?/],
    [{ dataDir: '' }, /^dataDir: /],
    [{ memory: true, join: 'host' }, /^join: must be a list/],
    [{ memory: true, join: ['host', 'http://x'] }, /^join\[1\]: "http:\/\/x" is neither/],
    [{ memory: true, listen: ['0.0.0.0:1'] }, /^listen\[0\]: .*multiaddr/],
    [{ memory: true, cluster: 'No Such' }, /^cluster: "No Such" is not a cluster name/],
    [{ memory: true, url: 'here' }, /^url: .*has no scheme/],
    [{ memory: true, mdns: 'no' }, /^mdns: must be true or false/],
    [{ memory: true, clusterKey: '' }, /^clusterKey: /],
    [{ memory: true, clusterKey: '/no/such/file' }, /^clusterKey: cannot read \/no\/such\/file/],
    [{ memory: true, clusterKey: new Uint8Array(95) }, /^clusterKey: .*generateClusterKey/],
    [{ memory: true, logLevel: 'loud' }, /^logLevel: "loud" is not a log level/],
    [{ memory: true, log: {} }, /^log: has no method debug/],
    [{ memory: true, log: console, logLevel: 'info' }, /^log and logLevel: /],
    [{ memory: true, signal: 1 }, /^signal: must be an AbortSignal/],
  ])('%o', async (options, words) => {
    const error: unknown = await createNode(options as NodeOptions).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RegistryError)
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringMatching(words) as string })
  })

  test('options that are undefined are not given', async () => {
    await start({ clusterKey: undefined, region: undefined } as NodeOptions)
  })

  test('a port in use, a directory that cannot be: one error, and nothing stays behind', async () => {
    const first = await start()
    const listen = first.addresses.map((address) => address.replace(/\/p2p\/.*/, ''))
    await expect(start({ listen })).rejects.toMatchObject({ code: 'conflict' })
    await expect(createNode({ dataDir: '/proc/nowhere', ...local })).rejects.toThrow(/\/proc\/nowhere/)
  })

  test('a registration, a definition: the field', async () => {
    const node = await start()
    await expect(node.register({ slug: 'web' })).rejects.toThrow(/^url: missing/)
    await expect(node.register({ slug: '!', url: 'http://a.test' })).rejects.toThrow(/^slug: /)
    await expect(node.saveDefinition({ id: '' })).rejects.toThrow(/^definition\.id: /)
    await expect(node.deregister('none')).rejects.toMatchObject({ code: 'not-found' })
    await expect(node.setMaintenance('none')).rejects.toMatchObject({ code: 'not-found' })
    await expect(node.endMaintenance('none')).rejects.toMatchObject({ code: 'not-found' })
    await expect(node.setMaintenance('none', 'x'.repeat(10_000))).rejects.toThrow(/^reason: /)
  })
})

describe('the log', () => {
  test('may be that of pino, and the console', () => {
    const fit: readonly LentLog[] = [silentLog(), console]
    expect(fit.every(({ info }) => typeof info === 'function')).toBe(true)
  })

  test('says nothing unless asked, and what a logger of the program is told reads as a log', async () => {
    const lines: [string, object, string][] = []
    const writer =
      (level: string) =>
      (fields: object, message: string): void => {
        lines.push([level, fields, message])
        throw new Error('the logger itself is broken')
      }
    const log = { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
    const node = await start({ log })
    await node.ready()
    expect(lines).toContainEqual(['info', {}, 'writes are accepted'])
  })
})
