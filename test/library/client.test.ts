// The client when things are not as they should be: servers that are gone or busy, answers that are lost, instances to choose from.
import { describe, expect, test, vi } from 'vitest'
import { Choices, age_ms } from '../../src/client/choice.js'
import { type Client, createClient, isUnreachable, RegistryError } from '../../src/client.js'
import type { InstanceStatus, LookupResult } from '../../src/index.js'
import { type Answering, busy, collectGarbage, done, hangUp, json, nobody, scripted, silence } from './scripted.js'

const digest = { digest: 'ab', documents: [] }

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'no failure',
    (error: unknown) => error,
  )
}

describe('a call that may be repeated', () => {
  test('is repeated where nobody answers or the daemon is busy, and then answers', async () => {
    const { url, asked } = await scripted(hangUp, busy, json(digest))
    expect(await createClient({ server: url }).digest()).toEqual(digest)
    expect(asked).toHaveLength(3)
  })

  test('is repeated so often and no more; 1 is once', async () => {
    const { url, asked } = await scripted(busy)
    const error = await failureOf(createClient({ server: url, attempts: 4 }).digest())
    expect(error).toMatchObject({ code: 'unavailable', message: 'starting' })
    expect(isUnreachable(error)).toBe(false)
    expect(asked).toHaveLength(4)
    await failureOf(createClient({ server: url, attempts: 1 }).digest())
    expect(asked).toHaveLength(5)
    for (const attempts of [0, 1.5]) expect(() => createClient({ attempts })).toThrow(/^attempts: /)
    for (const timeout_ms of [0, NaN, Infinity]) expect(() => createClient({ timeout_ms })).toThrow(/^timeout_ms: /)
    for (const name of ['pick', 'lookup'] as const) {
      const asked = createClient({ server: url })[name]('web', { timeout_ms: 1 } as object)
      await expect(asked).rejects.toThrow(/^timeout_ms: there is no such option/)
    }
  })

  test('ends in time: a daemon that asks for more patience than there is gets none', async () => {
    const { url, asked } = await scripted(json({ error: 'later' }, 503, { 'retry-after': '3600' }))
    expect(await failureOf(createClient({ server: url }).digest())).toMatchObject({ message: 'later' })
    expect(asked).toHaveLength(1)
    const inTenYears = new Date(Date.now() + 3e11).toUTCString()
    const dated = await scripted(json({ error: 'much later' }, 429, { 'retry-after': inTenYears }))
    expect(await failureOf(createClient({ server: dated.url }).digest())).toMatchObject({ message: 'much later' })
    expect(dated.asked).toHaveLength(1)
  })

  test('lets go of an answer that does not end, also long after it began, and of one that is longer than any', async () => {
    let closed = 0
    const drips: Answering = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const drip = setInterval(() => response.write(' '), 20)
      response.on('close', () => (clearInterval(drip), (closed += 1)))
    }
    const { url, asked } = await scripted(drips)
    const client = createClient({ server: url, attempts: 1, timeout_ms: 500 })
    const call = failureOf(client.digest())
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    const garbage = setInterval(collectGarbage, 50)
    expect(await call).toMatchObject({ message: `no daemon answers at ${url} (no answer in 0.5 s)` })
    clearInterval(garbage)
    await vi.waitFor(() => expect(closed).toBe(1))
    const endless = new ReadableStream<Uint8Array>({
      pull: (to) => to.enqueue(new Uint8Array(64 * 1024 * 1024).fill(32)),
    })
    const flooding = createClient({ server: url, attempts: 1, fetch: async () => new Response(endless) })
    expect(await failureOf(flooding.digest())).toMatchObject({
      message: expect.stringMatching(/longer than \d+ bytes/) as string,
    })
  })

  test('waits as long as it is asked to', async () => {
    const { url } = await scripted(json({ error: 'wait' }, 503, { 'retry-after': '1' }), json(digest))
    const begun = performance.now()
    await createClient({ server: url }).digest()
    expect(performance.now() - begun).toBeGreaterThanOrEqual(990)
  })

  test.each([400, 401, 403, 404, 409, 413, 500])('is not repeated after an answer such as %i', async (status) => {
    const { url, asked } = await scripted(json({ error: 'no' }, status))
    expect(await failureOf(createClient({ server: url }).register({ url: 'http://a.test' }))).toMatchObject({
      message: 'no',
    })
    expect(asked).toHaveLength(1)
  })

  test('that removes something which an attempt before has removed has done it', async () => {
    const gone = json({ error: 'no such instance' }, 404)
    const { url } = await scripted(hangUp, gone)
    await createClient({ server: url }).deregister('a')
    const other = await scripted(gone)
    const servers = [await nobody(), other.url] // the first attempt cannot have reached anybody
    expect(await failureOf(createClient({ servers }).deregister('a'))).toMatchObject({ code: 'not-found' })
  })

  test('leave is never repeated', async () => {
    const { url, asked } = await scripted(hangUp, done)
    expect(isUnreachable(await failureOf(createClient({ server: url }).leave()))).toBe(true)
    expect(asked).toHaveLength(1)
  })

  test('not being ready is an answer, and asked once', async () => {
    const { url, asked } = await scripted(json({ error: 'not ready', ready: false, reasons: ['joining'] }, 503))
    expect(await createClient({ server: url }).readiness()).toMatchObject({ ready: false, reasons: ['joining'] })
    expect(asked).toHaveLength(1)
  })
})

describe('a signal', () => {
  const id = 'a'
  test.each<[string, (client: Client, signal: AbortSignal) => Promise<unknown>]>([
    ['register', (client, signal) => client.register({ url: 'http://a.test' }, { signal })],
    ['deregister', (client, signal) => client.deregister(id, { signal })],
    ['setMaintenance', (client, signal) => client.setMaintenance(id, 'so', { signal })],
    ['endMaintenance', (client, signal) => client.endMaintenance(id, { signal })],
    ['lookup', (client, signal) => client.lookup('web', { signal })],
    ['pick', (client, signal) => client.pick('web', { signal })],
    ['instances', (client, signal) => client.instances({}, { signal })],
    ['instanceRows', (client, signal) => client.instanceRows({}, { signal })],
    ['saveDefinition', (client, signal) => client.saveDefinition({ id }, { signal })],
    ['removeDefinition', (client, signal) => client.removeDefinition(id, { signal })],
    ['definitions', (client, signal) => client.definitions({ signal })],
    ['nodes', (client, signal) => client.nodes([], { signal })],
    ['selfNode', (client, signal) => client.selfNode({ signal })],
    ['removeNode', (client, signal) => client.removeNode('http://a.test', { signal })],
    ['self', (client, signal) => client.self({ signal })],
    ['peers', (client, signal) => client.peers({ signal })],
    ['members', (client, signal) => client.members({ signal })],
    ['digest', (client, signal) => client.digest({ signal })],
    ['readiness', (client, signal) => client.readiness({ signal })],
    ['leave', (client, signal) => client.leave({ signal })],
  ])('ends %s with its reason: at once, while it waits, and between two attempts', async (name, ask) => {
    const reason = new Error('enough')
    const { url, asked } = await scripted(silence)
    await expect(ask(createClient({ server: url }), AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(asked).toEqual([])
    const abort = new AbortController()
    const waiting = ask(createClient({ server: url }), abort.signal)
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    const later = await scripted(json({ error: 'later' }, 503, { 'retry-after': '9' }))
    const other = new AbortController()
    const between = ask(createClient({ server: later.url }), other.signal)
    const failure = between.catch((error: unknown) => error)
    await vi.waitFor(() => expect(later.asked).toHaveLength(1))
    setImmediate(() => other.abort(reason))
    // An answer, or a call that is made once: there is no second attempt.
    const isOver = name === 'leave'
    expect(await failure).toEqual(isOver ? expect.objectContaining({ message: 'later' }) : reason)
  })

  test('that is over costs the others nothing: many picks wait for one answer', async () => {
    const abort = new AbortController()
    const { url } = await scripted((response, request) => {
      abort.abort(new Error('enough'))
      const instances = [{ id, url: 'http://a.test', status: 'Healthy' }]
      setImmediate(() => json({ slug: 'web', instances, degraded: false })(response, request))
    })
    const client = createClient({ server: url })
    const { signal } = abort
    const [ended, other] = await Promise.allSettled([client.pick('web', { signal }), client.pick('web')])
    expect([ended.status, other]).toEqual(['rejected', { status: 'fulfilled', value: expect.objectContaining({ id }) }])
  })
})

describe('several servers', () => {
  test('the one that answers is asked from then on', async () => {
    const [gone, good] = [await nobody(), await scripted(json(digest))]
    const client = createClient({ servers: [gone, good.url] })
    expect(client.server).toBe(gone)
    expect(await client.digest()).toEqual(digest)
    expect(client.server).toBe(good.url)
    await client.digest()
    expect(good.asked).toHaveLength(2)
  })

  test('one that is silent leaves time for the others', async () => {
    const [mute, good] = [await scripted(silence), await scripted(json(digest))]
    expect(await createClient({ servers: [mute.url, good.url], timeout_ms: 1000 }).digest()).toEqual(digest)
    expect(mute.asked).toHaveLength(1)
  })

  test('that all are gone are all named', async () => {
    const servers = [await nobody(), await nobody()]
    const error = await failureOf(createClient({ servers, timeout_ms: 2000 }).digest())
    expect(isUnreachable(error)).toBe(true)
    for (const server of servers) expect((error as RegistryError).message).toContain(server)
  })

  test('and one besides are a contradiction; none at all is the default', () => {
    expect(() => createClient({ server: 'a:1', servers: ['b:1'] })).toThrow(/^server and servers: /)
    expect(createClient({ servers: [] }).server).toBe('http://127.0.0.1:58231')
  })
})

/** A daemon's answers, and a clock, both moved by hand. */
function choices(): {
  readonly pick: (slug?: string) => Promise<string | undefined>
  readonly answer: {
    statuses: Record<string, InstanceStatus>
    degraded: boolean
    failure?: RegistryError
    /** Answers come only when this is over. */
    silent?: Promise<void>
  }
  readonly asked: string[]
  readonly told: string[]
  readonly pass: (time_ms: number) => Promise<void>
} {
  const answer: ReturnType<typeof choices>['answer'] = { statuses: {}, degraded: false }
  const asked: string[] = []
  const told: string[] = []
  const known = ['web']
  let now = 0
  const made = new Choices({
    lookup: async (slug): Promise<LookupResult | undefined> => {
      asked.push(slug)
      await Promise.resolve()
      if (answer.silent !== undefined) await answer.silent
      if (answer.failure !== undefined) throw answer.failure
      if (!known.includes(slug)) return undefined
      const entries = Object.entries(answer.statuses)
      const instances = entries.map(([id, status]) => ({ id, url: `http://${id}.test`, status }))
      return { slug, instances, degraded: answer.degraded }
    },
    onOutage: (slug, why) => told.push(`${slug}: ${why?.message ?? 'over'}`),
    now: () => now,
  })
  const pick = async (slug = 'web'): Promise<string | undefined> => (await made.pick(slug))?.id
  const pass = async (time_ms: number): Promise<void> => {
    now += time_ms
    await new Promise(setImmediate)
  }
  return { pick, answer, asked, told, pass }
}

describe('picks', () => {
  test('go round evenly among the best, with one question for all of them', async () => {
    const { pick, answer, asked } = choices()
    answer.statuses = { a: 'Healthy', b: 'Healthy', c: 'Unreachable', d: 'Unknown' }
    const together = await Promise.all([pick(), pick(), pick(), pick()])
    const later = [await pick(), await pick()]
    expect([...together, ...later].filter((id) => id === 'a')).toHaveLength(3)
    expect([...together, ...later].filter((id) => id === 'b')).toHaveLength(3)
    expect(asked).toEqual(['web'])
  })

  test('use what is known while it is asked anew, and then the new', async () => {
    const { pick, answer, asked, pass } = choices()
    answer.statuses = { a: 'Healthy' }
    await pick()
    answer.statuses = { b: 'Healthy' }
    await pass(age_ms.fresh + 1)
    expect(await pick()).toBe('a')
    await pass(1)
    expect(await pick()).toBe('b')
    expect(asked).toHaveLength(2)
  })

  test('after a pause wait for what is true now, and hand out nothing that went meanwhile', async () => {
    const { pick, answer, asked, pass } = choices()
    answer.statuses = { a: 'Healthy', b: 'Healthy' }
    await pick()
    answer.statuses = { b: 'Healthy' }
    await pass(age_ms.paused + 1)
    expect([await pick(), await pick()]).toEqual(['b', 'b'])
    expect(asked).toHaveLength(2)
    answer.statuses = {}
    await pass(age_ms.kept - 1)
    expect(await pick()).toBeUndefined()
  })

  test('that wait after a pause share one question', async () => {
    const { pick, answer, asked, pass } = choices()
    answer.statuses = { a: 'Healthy' }
    await pick()
    answer.statuses = { b: 'Healthy', c: 'Healthy' }
    await pass(age_ms.paused + 1)
    expect((await Promise.all([pick(), pick()])).sort()).toEqual(['b', 'c'])
    expect(asked).toHaveLength(2)
  })

  test('use the last known where no daemon answers, for a while, and say so; then they reject', async () => {
    const { pick, answer, told, pass } = choices()
    answer.statuses = { a: 'Healthy' }
    await pick()
    answer.failure = new RegistryError('unavailable', 'gone')
    await pass(age_ms.kept - 1)
    expect(await pick()).toBe('a')
    expect(told).toEqual(['web: gone'])
    await pass(2)
    await expect(pick()).rejects.toThrow('gone')
    expect(told).toEqual(['web: gone'])
    delete answer.failure
    expect(await pick()).toBe('a')
    expect(told).toEqual(['web: gone', 'web: over'])
  })

  test('find out by one wait that no daemon answers, not by one each', async () => {
    const { pick, answer, told, pass } = choices()
    answer.statuses = { a: 'Healthy' }
    await pick()
    answer.failure = new RegistryError('unavailable', 'gone')
    await pass(age_ms.paused + 1)
    expect(await pick()).toBe('a')
    answer.silent = new Promise(() => undefined)
    for (let passed = 0; passed < age_ms.paused * 3; passed += age_ms.fresh) {
      await pass(age_ms.fresh)
      expect(await pick()).toBe('a')
    }
    expect(told).toEqual(['web: gone'])
  })

  test('use nothing of before where the daemon refuses to tell', async () => {
    const { pick, answer, told, pass } = choices()
    answer.statuses = { a: 'Healthy' }
    await pick()
    answer.failure = new RegistryError('unauthorized', 'the token has ended')
    await pass(age_ms.fresh + 1)
    expect(await pick()).toBe('a') // it is asked meanwhile
    await pass(1)
    await expect(pick()).rejects.toThrow('the token has ended')
    expect(told).toEqual([])
  })

  test('give nothing where nothing is worth calling, or known; of a daemon in doubt they take what there is', async () => {
    const { pick, answer, pass } = choices()
    answer.statuses = { a: 'Unreachable' }
    expect(await pick()).toBeUndefined()
    answer.degraded = true
    await pass(age_ms.kept + 1)
    expect(await pick()).toBe('a')
    expect(await pick('other')).toBeUndefined()
  })

  test('over HTTP: one lookup, two calls', async () => {
    const instances = [{ id: 'a', url: 'http://a.test', status: 'Healthy' }]
    const { url, asked } = await scripted(json({ slug: 'x/y', instances, degraded: false }))
    const client = createClient({ server: url })
    expect([await client.pick('x/y'), await client.pick('x/y')]).toMatchObject([{ id: 'a' }, { id: 'a' }])
    expect(asked.filter((call) => call !== 'GET /v1/watch/x%2Fy')).toEqual(['GET /v1/lookup/x%2Fy'])
  })
})
