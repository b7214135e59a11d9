// Calls of one service whose instances are of every kind: by `fetch` of the library, and by plain round robin, under the same load.
import { channel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as clientRoom from '../../src/client.js'
import { Fleet } from './fleet.js'
import { progress } from './progress.js'
import { type Row } from './report.js'
import { endServices, type ServiceProcess, startProgram } from './services/process.js'

/** An HTTP server that registers itself by a session, as bad as it is told to be. Says its port once it is registered. */
const program = `
const { createServer } = require('node:http')
const [client, server, kind] = process.argv.slice(1)
let count = 0
const service = createServer((request, response) => {
  request.resume()
  count += 1
  if (kind === 'hangs') return
  const answer = () => { response.statusCode = kind === 'refuses' && count % 2 === 0 ? 503 : 200; response.end('ok') }
  setTimeout(answer, kind === 'slow' ? 200 : 2)
})
service.listen(0, '127.0.0.1', async () => {
  const { createClient } = await import(client)
  const { port } = service.address()
  const url = 'http://127.0.0.1:' + port
  await createClient({ server }).registerSelf({ slug: 'shop', url, tags: [kind], check: 'tcp' })
  console.log(port)
})`

const kinds = [...Array<string>(6).fill('well'), 'refuses', 'hangs', 'slow', 'killed'] as const
const perSecond = 200
const kill_ms = 10_000
/** What a caller waits for at the most. */
const timeout_ms = 10_000

interface Outcome {
  readonly method: 'GET' | 'POST'
  readonly ok: boolean
  readonly took_ms: number
}

/** @param seconds of each of the loads */
export async function benchCalls(seconds: number): Promise<Row[]> {
  const url = new URL('../../dist/client.js', import.meta.url).href
  const { createClient } = (await import(url)) as typeof clientRoom
  const fleet = new Fleet({ watched: false })
  const services: ServiceProcess[] = []
  const over = new AbortController()
  try {
    progress('calls: three daemons, ten instances')
    await fleet.growTo(3)
    const servers = fleet.names.map((name) => fleet.daemon(name).url)
    const serve = (kind: string, i: number): Promise<ServiceProcess> =>
      startProgram(program, [url, servers[i % servers.length] as string, kind])
    for (const [i, kind] of kinds.entries()) services.push(await serve(kind, i))
    const client = createClient({ server: servers[0] as string })
    while ((await client.instances({ slug: 'shop', status: 'Healthy' })).instances.length < kinds.length)
      await sleep(50)
    const killing = killAgainAndAgain(services.at(-1) as ServiceProcess, () => serve('killed', 9), over.signal)
    const strategy = 'least-loaded'
    const alone = await press(client.createFetch({ strategy, tags: ['well'], timeout: timeout_ms }), seconds / 4)
    const attempts = countAttempts()
    const ours = await press(client.createFetch({ strategy, timeout: timeout_ms }), seconds)
    const made = attempts.end()
    const theirs = await press(roundRobin(client), seconds)
    over.abort()
    await killing
    return [
      ...rowsOf('the six that are well, alone', alone),
      ...rowsOf('fetch, least-loaded', ours),
      { what: 'calls: fetch, least-loaded: attempts for each call', unit: '', value: (made / ours.length).toFixed(3) },
      ...rowsOf('plain round robin over the same list, undici', theirs),
    ]
  } finally {
    over.abort()
    endServices()
    await fleet.close()
  }
}

/** Kills one, and starts it again at another port. */
async function killAgainAndAgain(
  first: ServiceProcess,
  next: () => Promise<ServiceProcess>,
  signal: AbortSignal,
): Promise<void> {
  for (let service = first; !signal.aborted;) {
    await sleep(kill_ms, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    service.kill()
    service = await next()
  }
}

/** So many calls a second, whether or not those before are over. */
async function press(call: typeof fetch, seconds: number): Promise<readonly Outcome[]> {
  progress(`calls: ${perSecond} a second for ${seconds} s`)
  const outcomes: Promise<Outcome>[] = []
  const begun = performance.now()
  for (let i = 0; i < perSecond * seconds; i += 1) {
    const wait_ms = begun + (i * 1000) / perSecond - performance.now()
    if (wait_ms > 0) await sleep(wait_ms)
    outcomes.push(once(call, i % 5 === 4 ? 'POST' : 'GET'))
  }
  return Promise.all(outcomes)
}

async function once(call: typeof fetch, method: 'GET' | 'POST'): Promise<Outcome> {
  const begun = performance.now()
  const end = (ok: boolean): Outcome => ({ method, ok, took_ms: performance.now() - begun })
  try {
    const response = await call('rollcall://shop/order', { method, ...(method === 'POST' && { body: '{}' }) })
    await response.text()
    return end(response.ok)
  } catch {
    return end(false)
  }
}

/** What a program does without the library: the list of a second ago, one after the other. */
function roundRobin(client: clientRoom.Client): typeof fetch {
  let urls: readonly string[] = []
  let askedAt = Number.NEGATIVE_INFINITY
  let turn = 0
  return async (_input, init) => {
    if (performance.now() - askedAt > 1000) {
      askedAt = performance.now()
      const { instances } = await client.instances({ slug: 'shop', status: 'Healthy' })
      urls = instances.map(({ url }) => url)
    }
    turn += 1
    return fetch(`${urls[turn % urls.length] ?? ''}/order`, { ...init, signal: AbortSignal.timeout(timeout_ms) })
  }
}

function countAttempts(): { end(): number } {
  let count = 0
  const listen = (): void => void (count += 1)
  channel('rollcall:attempt').subscribe(listen)
  return {
    end() {
      channel('rollcall:attempt').unsubscribe(listen)
      return count
    },
  }
}

function rowsOf(title: string, outcomes: readonly Outcome[]): Row[] {
  return (['GET', 'POST'] as const).flatMap((method): Row[] => {
    const those = outcomes.filter((one) => one.method === method)
    const well = those.filter(({ ok }) => ok).length
    return [
      { what: `calls: ${title}: ${method}`, unit: 'ms', samples: those.map(({ took_ms }) => took_ms) },
      {
        what: `calls: ${title}: ${method} answered well`,
        unit: '%',
        value: `${((100 * well) / those.length).toFixed(3)} of ${those.length}`,
      },
    ]
  })
}
