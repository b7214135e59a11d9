// A process with few file descriptors, in a namespace of its own: a daemon keeps some for each purpose, and a program with a node does not end.
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { Cluster, RunningDaemon, until } from './cluster.js'
import { main } from './one-file.js'
import { canMakeNamespaces, namespace, type Place } from './place.js'

const permitted = canMakeNamespaces()
if (!permitted) console.warn('network namespaces are not permitted here: a lack of file descriptors is not tested')

let place: Place
let cluster: Cluster
const processes: ChildProcess[] = []
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL')
  await cluster.close()
})

async function begin(): Promise<void> {
  place = await namespace()
  cluster = new Cluster(place)
}

/** Runs with few file descriptors. */
function spawnScarce(...args: readonly string[]): RunningDaemon {
  const { PATH, HOME } = process.env
  const child = place.spawn('sh', ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, ...args], { PATH, HOME })
  processes.push(child)
  return new RunningDaemon('scarce', child, place)
}

const idle = `
import { connect } from 'node:net'
const [host, port] = process.argv.slice(1)
for (let i = 0; i < 280; i++) connect(Number(port), host).on('error', () => {})
`

const listener = `
import { createServer } from 'node:net'
const server = createServer(() => {}).listen(0, '127.0.0.1', () => console.log(server.address().port))
`

test.skipIf(!permitted)(
  'a daemon with 280 idle callers and 100 kept connections says what it has no room for, and has room for all else',
  async () => {
    await begin()
    const daemon = spawnScarce(main, 'start', '--temp', '--no-mdns', '--http', '127.0.0.1:0')
    await until('it serves', async () => daemon.isUp || daemon.isOver)
    const { hostname, port } = new URL(daemon.url)
    const crowd = place.spawn(process.execPath, ['--input-type=module', '--eval', idle, hostname, port], {})
    processes.push(crowd)
    const full = /HTTP: 64 connections are open, and those that say nothing give way/g
    await until('it says so', async () => daemon.isOver || full.test(daemon.log))
    crowd.kill('SIGKILL')
    await until('it answers', () => daemon.isReady())
    const check = { tcp: {}, keepOpen: true }
    const kept = place.spawn(process.execPath, ['--input-type=module', '--eval', listener], {})
    processes.push(kept)
    const [line] = (await once(kept.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    for (let i = 0; i < 100; i++) {
      const url = `http://127.0.0.1:${String(line).trim()}/${i}`
      await daemon.ask('/v1/instances', 'PUT', { id: `k${i}`, slug: 'k', url, check })
    }
    await until('it says how many it keeps', async () => daemon.isOver || /keepOpen: \d+ of \d+ conn/.test(daemon.log))
    await until('all are well', async () => (await daemon.lookup('k'))?.length === 100)
    expect(daemon.log.match(full)).toHaveLength(1)
    expect(daemon.log).not.toMatch(/EMFILE|bug/)
    expect(daemon.isOver).toBe(false)
    await daemon.kill('SIGTERM')
    expect(daemon.process.exitCode).toBe(0)
  },
)

const program = `
import { openSync, closeSync } from 'node:fs'
import { createNode } from ${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))}
const log = { debug() {}, info: (_, text) => console.log(text), warn() {}, error: (_, text) => console.log(text) }
const node = await createNode({ memory: true, mdns: false, log })
const held = []
node.on('warning', ({ message }) => {
  console.log('warning: ' + message)
  // Libp2p asks for the addresses a second after it began to listen: by now it has.
  setTimeout(() => {
    held.forEach((one) => closeSync(one))
  }, 1500)
})
try {
  for (;;) held.push(openSync('/dev/null'))
} catch (error) {
  console.log('holds all: ' + error.code)
}
process.on('SIGTERM', async () => {
  await node.stop()
  console.log('ended well')
})
`

test.skipIf(!permitted)('a program lives on with its node while nothing can be opened, and is told', async () => {
  await begin()
  const running = spawnScarce('--input-type=module', '--eval', program)
  await until('it knows them again', async () => running.isOver || running.stdout.includes('are known again'))
  expect(running.log).toBe('')
  expect(running.stdout).toContain('holds all: EMFILE')
  expect(running.stdout).toMatch(/warning: the network interfaces of this machine cannot be read \(EMFILE\)/)
  await running.kill('SIGTERM')
  expect(running.stdout).toContain('ended well')
  expect(running.process.exitCode).toBe(0)
})
