// Answers of the DNS door a second, beside a bare echo that reads each question and writes the same records with the same library.
import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { encode, type Answer } from 'dns-packet'
import { bySeeds, closeCluster, openCluster, start } from './daemons.js'
import { Line, send } from './line.js'
import { progress } from './progress.js'
import { round, type Row, spread } from './report.js'

/** Questions on their way: a resolver has many. */
const outstanding = 64
const slice_ms = 1000
const rounds = 6
/** Datagrams may be lost, also on loopback: then the window would be smaller for ever. */
const lost_ms = 200
const name = 'web.service.rollcall.internal'

export async function benchDns(): Promise<Row[]> {
  return [...(await benchAnswers(3)), ...(await benchAnswers(100))]
}

async function benchAnswers(instances: number): Promise<Row[]> {
  const cluster = openCluster()
  const urls = Array.from({ length: instances }, (_, i) => `http://10.0.${i >> 8}.${i & 255}:80`)
  // As many as fit into one datagram, as the daemon tells them.
  const answers = urls.slice(0, 20).map((url): Answer => ({ name, type: 'A', ttl: 1, data: new URL(url).hostname }))
  const echo = await Echo.of(answers)
  try {
    progress(`dns: ${instances} instances`)
    const { daemon } = await start(cluster, 'a', [...bySeeds([]), '--dns', '127.0.0.1:0', '--log-level', 'error'])
    const line = await Line.to(daemon.url)
    for (const url of urls) await line.ask(send('PUT', '/v1/instances', { slug: 'web', check: 'none', url }))
    const port = Number((daemon.dns as string).split(':')[1])
    const [door, bare]: [number[], number[]] = [[], []]
    for (let i = 0; i <= rounds; i += 1) {
      const [there, here] = [await rate(port), await rate(echo.port)]
      if (i === 0) continue // warms up
      door.push(there)
      bare.push(here)
    }
    const share = door.reduce((sum, one) => sum + one, 0) / bare.reduce((sum, one) => sum + one, 0)
    const title = `dns: A of ${instances} instances by UDP, ${outstanding} outstanding`
    return [
      { what: title, unit: 'thousand/s', value: spread(door) },
      { what: `${title}: of a bare dns-packet echo`, unit: '%', value: `${round(share * 100)} of ${spread(bare)}` },
    ]
  } finally {
    echo.close()
    await closeCluster(cluster)
  }
}

/** Thousands of answers a second. */
async function rate(port: number): Promise<number> {
  const socket = createSocket({ type: 'udp4', lookup: (address, _, found) => found(null, address, 4) })
  const question = encode({ type: 'query', id: 1, questions: [{ name, type: 'A' }], additionals: [opt] })
  let [answered, lastAt] = [0, performance.now()]
  const ask = (): void => socket.send(question, port, '127.0.0.1', ignore)
  socket.on('message', () => {
    answered += 1
    lastAt = performance.now()
    ask()
  })
  const refill = setInterval(() => {
    if (performance.now() - lastAt > lost_ms) fill(ask)
  }, lost_ms)
  const begun = performance.now()
  fill(ask)
  await new Promise((resolve) => setTimeout(resolve, slice_ms))
  clearInterval(refill)
  const took_ms = performance.now() - begun
  await closed(socket)
  return answered / took_ms
}

function fill(ask: () => void): void {
  for (let i = 0; i < outstanding; i += 1) ask()
}

const ignore = (): void => undefined

const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] } as unknown as Answer

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.close(() => resolve()))
}

/** A process that reads each question, and writes these answers. */
class Echo {
  readonly port: number
  readonly close: () => void

  private constructor(port: number, close: () => void) {
    this.port = port
    this.close = close
  }

  static async of(answers: readonly Answer[]): Promise<Echo> {
    const code = `
import { createSocket } from 'node:dgram'
import dns from 'dns-packet'
const answers = ${JSON.stringify(answers)}
const socket = createSocket({ type: 'udp4', lookup: (address, _, found) => found(null, address, 4) })
socket.on('message', (bytes, { port, address }) => {
  const { id, questions } = dns.decode(bytes)
  socket.send(dns.encode({ type: 'response', id, flags: dns.AUTHORITATIVE_ANSWER, questions, answers }), port, address, () => {})
})
socket.bind(0, '127.0.0.1', () => process.send(socket.address().port))
process.on('disconnect', () => process.exit())
`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: new URL('../..', import.meta.url),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const [port] = (await once(child, 'message')) as [number]
    return new Echo(port, () => child.disconnect())
  }
}
