// One etcd server as it is shipped, on loopback, with leases: what a service's death is compared with.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProgram } from './services/process.js'
import { Ear } from './watch.js'

const [clientUrl, peerUrl] = ['http://127.0.0.1:20079', 'http://127.0.0.1:20080']
const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))

export function isEtcdInstalled(): boolean {
  return spawnSync('etcd', ['--version'], { stdio: 'ignore' }).status === 0
}

/** A service that holds a key by the shortest lease there is, and renews it three times in its length. Says the granted seconds. */
const program = `
const [base, key] = process.argv.slice(1)
const call = async (path, body) =>
  (await fetch(base + path, { method: 'POST', body: JSON.stringify(body) })).json()
const encode = (text) => Buffer.from(text).toString('base64')
const begin = async () => {
  const { ID, TTL } = await call('/v3/lease/grant', { TTL: 1 })
  await call('/v3/kv/put', { key: encode(key), value: encode('here'), lease: ID })
  setInterval(() => call('/v3/lease/keepalive', { ID }), Number(TTL) * 1000 / 3)
  console.log(TTL)
}
begin()`

/** @returns for each kill, how long a watcher was not told; and the seconds that were granted */
export async function leasesOf(count: number, atOnce: number): Promise<{ times: number[]; granted_s: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-etcd-'))
  const urls = ['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl, '--listen-peer-urls', peerUrl]
  const cluster = ['--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `default=${peerUrl}`]
  const child = spawn('etcd', ['--data-dir', directory, ...urls, ...cluster], { stdio: 'ignore' })
  running.add(child)
  try {
    await answers()
    const ear = await watch()
    const times: number[] = []
    let granted_s = 0
    while (times.length < count) {
      const batch = Array.from({ length: Math.min(atOnce, count - times.length) }, (_, i) => times.length + i)
      const taken = await Promise.all(
        batch.map(async (i) => {
          const key = `service-${i}`
          const service = await startProgram(program, [clientUrl, key])
          granted_s = service.port
          await sleep(1000 + Math.random() * 3000)
          const at = service.kill()
          const encoded = Buffer.from(key).toString('base64')
          const isIt = (text: string): boolean => text.includes('"DELETE"') && text.includes(`"${encoded}"`)
          return (await ear.when(`${key} is gone`, at, isIt)) - at
        }),
      )
      times.push(...taken)
    }
    return { times, granted_s }
  } finally {
    child.kill('SIGKILL')
    running.delete(child)
    await sleep(200)
    await rm(directory, { recursive: true, force: true })
  }
}

async function answers(): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const health = await fetch(`${clientUrl}/health`).catch(() => undefined)
    if (health?.ok === true) return
    await sleep(100)
  }
  throw new Error('etcd does not answer')
}

/** Of all keys. The stream has one message to a line. */
async function watch(): Promise<Ear> {
  const ear = new Ear()
  const all = Buffer.from([0]).toString('base64')
  await new Promise<void>((resolve, reject) => {
    const call = request(`${clientUrl}/v3/watch`, { method: 'POST' }, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => {
        ear.take(text)
        resolve()
      })
      response.on('error', () => undefined)
    })
    call.on('error', reject)
    call.end(JSON.stringify({ create_request: { key: all, range_end: all } }))
  })
  return ear
}
