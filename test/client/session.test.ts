// A program's session against daemons that do what a test says, in virtual time.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Calls } from '../../src/client/call.js'
import type { Rememberable } from '../../src/client/self-registration.js'
import { Session } from '../../src/client/session.js'
import { passing, systemError } from './world.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => void vi.useRealTimers())

interface Asked {
  readonly server: string
  /** `METHOD path`. */
  readonly what: string
  readonly body: {
    readonly secret?: string
    readonly session?: string
    readonly id?: string
    readonly draining?: boolean
  }
}

/** How a request is refused; `away`: nobody answers; else it is done. */
type Refusal = readonly [status: number, error: string] | 'away' | undefined

/** Daemons by their names, `http://NAME`. */
class Daemons {
  readonly asked: Asked[] = []
  readonly troubles: (string | undefined)[] = []
  /** By name and secret: what lives with it. */
  readonly sessions = new Map<string, Set<string>>()
  readonly #lines = new Map<string, ReadableStreamDefaultController<Uint8Array>>()
  #count = 0
  refuse: (asked: Asked) => Refusal = () => undefined
  readonly session: Session

  constructor(servers = ['http://a'], options: { timeout_ms?: number } = {}) {
    const calls = new Calls({ servers, ...options, fetch: (url, init) => this.#answer(String(url as string), init) })
    this.session = new Session(calls, (trouble) => this.troubles.push(trouble?.message))
  }

  countOf(what: string): number {
    return this.asked.filter((one) => one.what === what).length
  }

  /** What is registered, and still lives with a session. */
  get listed(): string {
    return [...this.sessions].flatMap(([key, ids]) => [...ids].map((id) => `${key.split(' ')[0]}/${id}`)).join(' ')
  }

  /** The daemons are killed, and have forgotten all. */
  forget(): void {
    this.sessions.clear()
    this.cut()
  }

  /** Every line closes. */
  cut(): void {
    for (const line of this.#lines.values()) line.close()
    this.#lines.clear()
  }

  async #answer(url: string, init: RequestInit = {}): Promise<Response> {
    init.signal?.throwIfAborted()
    const { host, pathname, searchParams } = new URL(url)
    const body = JSON.parse((init.body as string | undefined) ?? '{}') as Asked['body']
    const asked = { server: host, what: `${init.method} ${pathname.replace(/ses_\d+/, 'ID')}`, body }
    this.asked.push(asked)
    await new Promise((resolve) => setTimeout(resolve, 1))
    init.signal?.throwIfAborted()
    const refusal = this.refuse(asked)
    if (refusal === 'away') throw systemError('ECONNREFUSED')
    if (refusal !== undefined) return json(refusal[0], { error: refusal[1] })
    const secret = body.secret ?? body.session ?? new Headers(init.headers).get('x-rollcall-session') ?? ''
    const key = `${host} ${secret}`
    const living = this.sessions.get(key)
    if (secret !== '' && living === undefined) return json(404, { error: 'session: it is over; open a new one' })
    switch (asked.what) {
      case 'POST /v1/sessions':
        return this.#open(host, secret)
      case 'PUT /v1/instances':
        living?.add(body.id as string)
        return json(201, { id: body.id })
      case 'DELETE /v1/instances':
        for (const ids of this.sessions.values()) ids.delete(searchParams.get('id') ?? '')
        return new Response(null, { status: 204 })
      case 'DELETE /v1/sessions/ID':
        this.sessions.delete(key)
        this.#lines.get(key)?.close()
        this.#lines.delete(key)
    }
    return new Response(null, { status: 204 })
  }

  #open(host: string, known: string): Response {
    const secret = known === '' ? `s${(this.#count += 1)}` : known
    const key = `${host} ${secret}`
    if (!this.sessions.has(key)) this.sessions.set(key, new Set())
    const body = new ReadableStream<Uint8Array>({
      start: (line) => {
        this.#lines.set(key, line)
        const said = JSON.stringify({ id: `ses_${secret.slice(1)}`, secret })
        line.enqueue(new TextEncoder().encode(`event: opened\ndata: ${said}\n\n`))
      },
      cancel: () => void this.#lines.delete(key),
    })
    const sign = setInterval(() => {
      if (this.#lines.has(key)) this.#lines.get(key)?.enqueue(new TextEncoder().encode(': \n\n'))
      else clearInterval(sign)
    }, 3000)
    return new Response(body, { status: 200 })
  }
}

function json(status: number, said: unknown): Response {
  return new Response(JSON.stringify(said), { status })
}

const ending = (one: { end: () => Promise<void> }): Promise<string> => one.end().then(() => 'ended')

const of = (id: string): { id: string; slug: string; url: string } => ({ id, slug: id, url: `http://${id}.test` })

test.each([
  [403, 'this token may only read'],
  [404, 'there is nothing at POST /v1/sessions'],
  [400, 'the request body: must be empty'],
])('whom the daemon refuses a session with %i is told so, after one question', async (status, error) => {
  const daemons = new Daemons()
  daemons.refuse = () => [status, error]
  expect(await passing(daemons.session.registerSelf(of('x')))).toMatchObject({ message: error })
  await vi.advanceTimersByTimeAsync(5000)
  expect(daemons.asked).toHaveLength(1)
})

test('a registration that is refused opens no session again, whatever the refusal; the error is that of the registration', async () => {
  const daemons = new Daemons()
  daemons.refuse = ({ what }) => (what === 'PUT /v1/instances' ? [403, 'this token may not register'] : undefined)
  expect(await passing(daemons.session.registerSelf(of('x')))).toMatchObject({ code: 'forbidden' })
  await vi.advanceTimersByTimeAsync(5000)
  expect(daemons.asked.map(({ what }) => what)).toEqual([
    'POST /v1/sessions',
    'PUT /v1/instances',
    'DELETE /v1/sessions/ID',
  ])
})

test('a refusal that comes later is asked about at ever longer pauses, and whoever registers meanwhile is told', async () => {
  const daemons = new Daemons()
  await passing(daemons.session.registerSelf(of('x')))
  daemons.refuse = ({ what }) => (what === 'POST /v1/sessions' ? [403, 'this token may only read'] : undefined)
  daemons.cut()
  await vi.advanceTimersByTimeAsync(5)
  expect(await passing(daemons.session.registerSelf(of('y')))).toMatchObject({ code: 'forbidden' })
  await vi.advanceTimersByTimeAsync(20_000)
  expect(daemons.countOf('POST /v1/sessions')).toBeLessThan(30)
  daemons.refuse = () => undefined
  await vi.advanceTimersByTimeAsync(2000)
  expect(daemons.troubles).toEqual([expect.stringContaining('closed'), undefined])
  expect(daemons.listed).toBe('a/x')
})

test('lines that close as soon as they are opened are opened at ever longer pauses', async () => {
  const daemons = new Daemons()
  await passing(daemons.session.registerSelf(of('x')))
  for (let passed_ms = 0; passed_ms < 20_000; passed_ms += 10) {
    await vi.advanceTimersByTimeAsync(10)
    daemons.forget()
  }
  expect(daemons.asked.length).toBeLessThan(60)
})

test('what a new session is not told at first is said again until it is, and only then all is well', async () => {
  const daemons = new Daemons()
  for (const id of 'abc') await passing(daemons.session.registerSelf(of(id)))
  let refusals = 0
  daemons.refuse = ({ what, body }) =>
    what === 'PUT /v1/instances' && body.id === 'b' && (refusals += 1) <= 3 ? [413, 'it is full'] : undefined
  daemons.forget()
  await vi.advanceTimersByTimeAsync(150)
  expect(daemons.listed).toBe('a/a a/c')
  expect(daemons.troubles.at(-1)).toBeDefined()
  await vi.advanceTimersByTimeAsync(5000)
  expect(daemons.listed).toBe('a/a a/c a/b')
  expect(daemons.troubles).toHaveLength(2)
  expect(daemons.troubles.at(-1)).toBeUndefined()
  expect(daemons.countOf('PUT /v1/instances')).toBe(3 + 3 + 3) // nobody else is said twice
})

test('a session that breaks while the rest is being said: it is said on the next line', async () => {
  const daemons = new Daemons()
  for (const id of 'abc') await passing(daemons.session.registerSelf(of(id)))
  daemons.refuse = ({ what, body }) =>
    what === 'PUT /v1/instances' && body.id !== 'a' ? [413, 'it is full'] : undefined
  daemons.forget()
  await vi.advanceTimersByTimeAsync(1000)
  daemons.cut()
  daemons.refuse = () => undefined
  await vi.advanceTimersByTimeAsync(3000)
  expect(daemons.listed).toBe('a/a a/b a/c')
})

test('who registers while the session before is being ended gets one of his own, and nobody waits in vain', async () => {
  const daemons = new Daemons()
  const x = (await passing(daemons.session.registerSelf(of('x')))) as { end: () => Promise<void> }
  daemons.refuse = () => 'away'
  daemons.cut()
  await vi.advanceTimersByTimeAsync(100)
  const waiting = daemons.session.registerSelf(of('y'))
  waiting.catch(() => undefined)
  const ended = x.end()
  daemons.refuse = () => undefined
  await passing(Promise.all([ended, waiting]))
  await vi.advanceTimersByTimeAsync(1000)
  expect(daemons.listed).toContain('a/y')
  expect(daemons.listed).not.toContain('a/x')
})

test('a registration that is refused ends nothing under another one that is under way', async () => {
  const daemons = new Daemons()
  daemons.refuse = ({ what, body }) =>
    what === 'PUT /v1/instances' && body.id === 'bad' ? [400, 'url: is none'] : undefined
  const both = Promise.allSettled([of('bad'), of('good')].map((one) => daemons.session.registerSelf(one)))
  expect(await passing(both)).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled' }])
  await vi.advanceTimersByTimeAsync(5000)
  expect(daemons.listed).toBe('a/good')
})

test('a grace that is none is refused to whoever says it, and to nobody else', async () => {
  const daemons = new Daemons()
  const said = [{ ...of('bad'), grace: 'x' }, of('good')]
  const both = Promise.allSettled(said.map((one) => daemons.session.registerSelf(one as ReturnType<typeof of>)))
  expect(await passing(both)).toMatchObject([
    { status: 'rejected', reason: { code: 'malformed', message: expect.stringMatching(/^grace:/) as string } },
    { status: 'fulfilled' },
  ])
})

test('the secret is told to the daemon of the session alone, whoever else answers meanwhile', async () => {
  const daemons = new Daemons(['http://a', 'http://b'])
  await passing(daemons.session.registerSelf(of('x')))
  let isAway = true
  daemons.refuse = ({ server, what }) => (server === 'a' && what === 'PUT /v1/instances' && isAway ? 'away' : undefined)
  const y = daemons.session.registerSelf(of('y')) // its first attempt fails, which moves all calls to the other server
  await vi.advanceTimersByTimeAsync(20)
  isAway = false
  await passing(y)
  await passing(daemons.session.registerSelf(of('z')))
  expect(daemons.listed).toBe('a/x a/y a/z')
  expect(daemons.asked.filter(({ server }) => server === 'b')).toEqual([])
})

test('the first session is opened at whichever daemon answers', async () => {
  const daemons = new Daemons(['http://a', 'http://b'])
  daemons.refuse = ({ server }) => (server === 'a' ? 'away' : undefined)
  await passing(daemons.session.registerSelf(of('x')))
  expect(daemons.listed).toBe('b/x')
})

test('a daemon that is away for long is given up where another one can be asked, and there all is said anew', async () => {
  const daemons = new Daemons(['http://a', 'http://b'])
  await passing(daemons.session.registerSelf(of('x')))
  daemons.refuse = ({ server }) => (server === 'a' ? 'away' : undefined)
  daemons.forget()
  await vi.advanceTimersByTimeAsync(14_000)
  expect(daemons.listed).toBe('')
  await vi.advanceTimersByTimeAsync(5000)
  expect(daemons.listed).toBe('b/x')
})

test('an end that is refused can be asked for again, and until then it stays listed', async () => {
  const daemons = new Daemons()
  const x = (await passing(daemons.session.registerSelf(of('x')))) as { end: () => Promise<void> }
  const y = (await passing(daemons.session.registerSelf(of('y')))) as { end: () => Promise<void> }
  daemons.refuse = ({ what }) => (what.startsWith('DELETE') ? [503, 'the disk refuses writes'] : undefined)
  for (const one of [x, x, y]) expect(await passing(ending(one))).toMatchObject({ code: 'unavailable' })
  expect(daemons.listed).toBe('a/x a/y')
  daemons.refuse = () => undefined
  await passing(ending(x))
  expect(daemons.listed).toBe('a/y')
  daemons.refuse = ({ what }) => (what.startsWith('DELETE') ? [503, 'the disk refuses writes'] : undefined)
  for (const one of [y, y]) expect(await passing(ending(one))).toMatchObject({ code: 'unavailable' })
  daemons.cut() // it is opened again meanwhile
  await vi.advanceTimersByTimeAsync(1000)
  daemons.refuse = () => undefined
  await passing(ending(y))
  await passing(ending(y))
  await vi.advanceTimersByTimeAsync(10_000)
  expect([daemons.listed, daemons.sessions.size]).toEqual(['', 0])
  expect(vi.getTimerCount()).toBe(0)
})

test('what somebody else removed has ended', async () => {
  const daemons = new Daemons()
  const x = (await passing(daemons.session.registerSelf(of('x')))) as { end: () => Promise<void> }
  await passing(daemons.session.registerSelf(of('y')))
  daemons.refuse = ({ what }) => (what === 'DELETE /v1/instances' ? [404, 'id: no instance "x"'] : undefined)
  expect(await passing(ending(x))).toBe('ended')
  daemons.forget()
  await vi.advanceTimersByTimeAsync(1000)
  expect(daemons.listed).toBe('a/y')
})

test('a session that ended between its opening and a registration: another one is opened', async () => {
  const daemons = new Daemons()
  await passing(daemons.session.registerSelf(of('x')))
  daemons.sessions.clear() // its line still stands
  await passing(daemons.session.registerSelf(of('y')))
  await vi.advanceTimersByTimeAsync(1000)
  expect(daemons.listed.split(' ').sort()).toEqual(['a/x', 'a/y'])
})

test('a program that drains says so wherever its daemon has forgotten it, until it goes on after all', async () => {
  const daemons = new Daemons()
  const x = (await passing(daemons.session.registerSelf(of('x')))) as Rememberable
  const said: unknown[] = []
  for (const isDraining of [true, false]) {
    x.rememberDrain?.(isDraining, true)
    daemons.asked.length = 0
    daemons.forget()
    await vi.advanceTimersByTimeAsync(3000)
    expect(daemons.listed).toBe('a/x')
    said.push(...daemons.asked.filter(({ what }) => what === 'PUT /v1/instances').map(({ body }) => body.draining))
  }
  expect([said.at(0), said.at(-1)]).toEqual([true, false])
})

test('what a program says of itself while its daemon is away is said once that is back, also where its session still stands', async () => {
  const daemons = new Daemons()
  const x = (await passing(daemons.session.registerSelf(of('x')))) as Rememberable
  for (const isDraining of [true, false]) {
    daemons.asked.length = 0
    daemons.refuse = () => 'away'
    x.rememberDrain?.(isDraining, false)
    await vi.advanceTimersByTimeAsync(3000)
    daemons.refuse = () => undefined
    await vi.advanceTimersByTimeAsync(3000)
    const said = daemons.asked.filter(({ what }) => what === 'PUT /v1/instances').map(({ body }) => body.draining)
    expect(said.at(-1)).toBe(isDraining)
    daemons.asked.length = 0
    await vi.advanceTimersByTimeAsync(10_000)
    expect(daemons.countOf('PUT /v1/instances')).toBe(0) // once
  }
})

test('a program that gives up waiting leaves nothing behind', async () => {
  const daemons = new Daemons()
  const over = new AbortController()
  daemons.refuse = ({ what }) => (what === 'PUT /v1/instances' ? [503, 'starting'] : undefined)
  const given = daemons.session.registerSelf(of('x'), { signal: over.signal })
  await vi.advanceTimersByTimeAsync(20)
  over.abort(new Error('enough'))
  expect(await passing(given)).toMatchObject({ message: 'enough' })
  await vi.advanceTimersByTimeAsync(4000)
  expect([daemons.sessions.size, vi.getTimerCount()]).toEqual([0, 0])
})

test('nor does it where the daemon has taken it already, beside others of the program', async () => {
  const daemons = new Daemons()
  await passing(daemons.session.registerSelf(of('y')))
  const over = new AbortController()
  daemons.refuse = ({ body }) => (body.id === 'x' ? over.abort(new Error('enough')) : undefined) as undefined
  expect(await passing(daemons.session.registerSelf(of('x'), { signal: over.signal }))).toMatchObject({
    message: 'enough',
  })
  await vi.advanceTimersByTimeAsync(100)
  expect(daemons.listed).toBe('a/y')
})

test('of two who wait for one end each gives up for himself', async () => {
  const daemons = new Daemons()
  const x = (await passing(daemons.session.registerSelf(of('x')))) as Rememberable
  await passing(daemons.session.registerSelf(of('y')))
  const over = new AbortController()
  daemons.refuse = ({ what }) => (what.startsWith('DELETE') ? over.abort(new Error('enough')) : undefined) as undefined
  const ends = Promise.allSettled([x.end({ signal: over.signal }), x.end()])
  expect(await passing(ends)).toMatchObject([{ reason: { message: 'enough' } }, { status: 'fulfilled' }])
  expect(daemons.listed).toBe('a/y')
})
