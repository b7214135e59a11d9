// Durable registrations: how many one node acknowledges, how soon the others agree, and how fast an empty node gets ten thousand.
import { setTimeout as sleep } from 'node:timers/promises'
import { bySeeds, start, Trio, trioNames, withLine } from './daemons.js'
import { get, type Line, send } from './line.js'
import { cpuTime_ms } from './machine.js'
import { whenSeen } from './poll.js'
import { progress } from './progress.js'
import { round, type Row } from './report.js'
import { acceptAll } from './services/listener.js'

const writing_ms = 5000
const instances = 10_000
const joins = 3
/** Replicas count as equal once they stay so for this long: the results of health checks still come in. */
const equalFor_ms = 500
const equalLimit_ms = 60_000

/** Nobody listens there: each first check fails, and is made again three times. */
const refusing: Writing = { callers: 64, url: 'http://127.0.0.1:9', title: 'writes of services that refuse' }

/** By the path that is ours: that of the contract knows no copies. */
const held = { path: '/v1/instances?acks=2', title: 'writes that two are to hold' } as const

/** Who registers, and where what is registered is said to listen. */
interface Writing {
  readonly callers: number
  readonly url: string
  readonly title: string
  readonly path?: string
}

export async function benchWrites(): Promise<Row[]> {
  const { url, close } = await acceptAll()
  try {
    const answering = [1, 16, 64].map((callers): Writing => ({ callers, url, title: 'writes' }))
    const rows: Row[] = []
    const copied = { callers: 64, url, ...held }
    for (const writing of [...answering, refusing, copied])
      rows.push(...(await inTrio((trio) => benchCallers(trio, writing))))
    return [...rows, ...(await inTrio((trio) => benchJoin(trio, url)))]
  } finally {
    close()
  }
}

async function inTrio(bench: (trio: Trio) => Promise<Row[]>): Promise<Row[]> {
  const trio = new Trio(bySeeds)
  try {
    for (const name of trioNames) await trio.start(name)
    await whenEqual(trio.lines())
    return await bench(trio)
  } finally {
    await trio.close()
  }
}

async function benchCallers(trio: Trio, writing: Writing): Promise<Row[]> {
  const { callers } = writing
  const title = `${writing.title}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`
  progress(`${title}: ${writing_ms / 1000} s`)
  const pids = [...trioNames.map((name) => trio.pid(name)), process.pid]
  const before = pids.map(cpuTime_ms)
  const begun = performance.now()
  const latencies = await registerAll(trio.daemon('a').url, writing, () => performance.now() - begun < writing_ms)
  const took_ms = performance.now() - begun
  const shares = pids.map((pid, i) => round(((cpuTime_ms(pid) - (before[i] as number)) / took_ms) * 100))
  const equal_ms = (await whenEqual(trio.lines())) - begun - took_ms
  return [
    { what: `${title}: acknowledged`, unit: 'registrations/s', value: round(latencies.length / (took_ms / 1000)) },
    { what: `${title}: each`, unit: 'ms', samples: latencies },
    {
      what: `${title}: CPU of the writing node, the other two, callers and services`,
      unit: '%',
      value: shares.join(', '),
    },
    { what: `${title}: last acknowledgement → all three equal for good`, unit: 'ms', value: round(equal_ms) },
  ]
}

/** Registers unique ids for as long as `goOn` says. @returns how long each took, milliseconds */
async function registerAll(
  server: string,
  { callers, url, path = '/registry-svc/instance' }: Pick<Writing, 'callers' | 'url' | 'path'>,
  goOn: () => boolean,
): Promise<number[]> {
  const latencies: number[] = []
  let lastId = 0
  const caller = (): Promise<void> =>
    withLine(server, async (line) => {
      while (goOn()) {
        const id = `i${(lastId += 1)}`
        const begun = performance.now()
        const { status, body } = await line.ask(send('PUT', path, { id, url: `${url}/${id}` }))
        if (status !== 201) throw new Error(`registering ${id}: ${status} ${body.toString()}`)
        latencies.push(performance.now() - begun)
      }
    })
  await Promise.all(Array.from({ length: callers }, caller))
  return latencies
}

/** @returns the moment from which all of them hold the same */
async function whenEqual(lines: readonly Line[]): Promise<number> {
  const begun = performance.now()
  for (let since: number | undefined, known = ''; ;) {
    const digests = new Set(await Promise.all(lines.map(digestOf)))
    const now = performance.now()
    const [digest = ''] = digests
    if (digests.size > 1) since = undefined
    else if (since === undefined || digest !== known) since = now
    known = digest
    if (since !== undefined && now - since >= equalFor_ms) return since
    if (now - begun > equalLimit_ms) throw new Error('the nodes never became equal')
    await sleep(5)
  }
}

async function digestOf(line: Line): Promise<string> {
  const { body } = await line.ask(get('/v1/digest'))
  return (JSON.parse(body.toString()) as { digest: string }).digest
}

// ---- an empty node joins

async function benchJoin(trio: Trio, url: string): Promise<Row[]> {
  progress(`join: ${instances} registrations, then ${joins} times an empty fourth node`)
  let left = instances
  await registerAll(trio.daemon('a').url, { callers: 64, url }, () => (left -= 1) >= 0)
  await whenEqual(trio.lines())
  const ready: number[] = []
  const shown: number[] = []
  for (let i = 0; i < joins; i++) {
    const seeds = bySeeds(trioNames.map((name) => trio.daemon(name)))
    const { daemon, at, ready_ms } = await start(trio.cluster, `d${i}`, seeds)
    ready.push(ready_ms)
    shown.push((await withLine(daemon.url, (line) => whenSeen(line, showsAll))) - at)
    await daemon.kill('SIGTERM')
  }
  return [
    { what: `join: start of an empty fourth → ready line`, unit: 'ms', samples: ready },
    { what: `join: start of an empty fourth → it shows all ${instances}`, unit: 'ms', samples: shown },
  ]
}

const showsAll = {
  what: `${instances} instances are shown`,
  request: get('/registry-svc/instances'),
  holds: ({ body }: { body: Buffer }) =>
    (JSON.parse(body.toString()) as { instances: unknown[] }).instances.length === instances,
  pause_ms: 10,
}
