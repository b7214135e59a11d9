// Makes each fault that an alert of scripts/deploy/alerts.yml is for, with real daemons before a real Prometheus, and says which were
// told: `npm run alerts`. The times of the rules are shortened; their expressions are what is tried.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const rules = readFileSync(new URL('deploy/alerts.yml', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'rollcall-alerts-'))
const limit_ms = 120_000

/** What no fault of a daemon makes: see test/metrics/meter.test.ts for the metric, alerts.test.ts for the rule. */
const untried = ['RollcallOutOfStep']

const running = new Set<ChildProcess>()

interface Daemon {
  readonly process: ChildProcess
  readonly http: string
  readonly listen: string
  readonly metrics: string
}

interface Start {
  readonly args?: readonly string[]
  /** Words before the command, as of a tracer. */
  readonly under?: readonly string[]
  /** Prepares the data directory, in a shell that then becomes the daemon. */
  readonly prepare?: (dataDir: string) => string
}

async function start(name: string, { args = [], under = [], prepare }: Start = {}): Promise<Daemon> {
  const [dataDir, metrics] = [join(folder, name), `127.0.0.1:${await freePort()}`]
  const own = ['--data-dir', dataDir, '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns']
  const command = [process.execPath, program, 'start', ...own, '--node-id', name, '--metrics', metrics, ...args]
  const shell = prepare && ['unshare', '-Urm', 'sh', '-c', `${prepare(dataDir)} exec "$@"`, 'sh']
  const [first = '', ...rest] = [...(shell ?? []), ...under, ...command]
  const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'ignore'] })
  running.add(child)
  const [line] = (await Promise.race([once(child.stdout, 'data'), pause(60_000, [''])])) as [Buffer | string]
  const [, http, listen] = /http=(\S+) peer=\S+ listen=([^,\s]+)/.exec(String(line)) ?? []
  if (http === undefined || listen === undefined) throw new Error(`${name} did not start: ${String(line)}`)
  return { process: child, http, listen, metrics }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function put(daemon: Daemon, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  await fetch(`${daemon.http}${path}`, { method: 'PUT', headers, body: JSON.stringify(body) }).catch(() => undefined)
}

/** Writes until all is over. */
async function write(daemon: Daemon, bytes: number, isOver: () => boolean): Promise<void> {
  for (let i = 0; !isOver(); i += 1) {
    const definition = { id: `d${i % 8}`, at: i, text: 'x'.repeat(bytes) }
    await put(daemon, '/registry-svc/definition', { definition })
    await pause(200)
  }
}

function has(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** As one of another version would show itself. */
async function stranger(): Promise<Server> {
  const text = 'rollcall_build_info{version="0.0.1",protocol="1"} 1\n'
  const server = createServer((_request, response) => response.end(text)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function startPrometheus(targets: readonly string[]): Promise<string> {
  const short = rules.replace(/for: \d+[smh]/g, 'for: 2s').replace(/\[\d+m\]/g, '[1m]')
  writeFileSync(join(folder, 'alerts.yml'), short)
  const every = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' }
  const jobs = [{ job_name: 'rollcall', static_configs: [{ targets }] }]
  const config = { global: every, rule_files: [join(folder, 'alerts.yml')], scrape_configs: jobs }
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config)) // JSON is YAML
  const address = `127.0.0.1:${await freePort()}`
  const files = [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'tsdb')}`]
  running.add(spawn('prometheus', [...files, `--web.listen-address=${address}`], { stdio: 'ignore' }))
  return `http://${address}`
}

async function firing(prometheus: string): Promise<string[]> {
  const answer = await fetch(`${prometheus}/api/v1/alerts`).catch(() => undefined)
  const { data } = ((await answer?.json()) ?? { data: { alerts: [] } }) as {
    data: { alerts: { state: string; labels: Record<string, string> }[] }
  }
  return data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels['alertname'] ?? '')
}

async function tryAll(): Promise<string[]> {
  let isOver = false
  const told = new Map<string, number>()
  const a = await start('a', { args: ['--metrics-slugs'] })
  const [b, c] = [await start('b', { args: ['--join', a.listen] }), await start('c', { args: ['--join', a.listen] })]
  await put(c, '/registry-svc/instance', { slug: 'web', url: 'http://127.0.0.1:9', check: 'none' })
  const tracer = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync,fsync']
  const delay = ['-e', 'inject=fdatasync,fsync:delay_enter=400000']
  const slow = await start('slow', { args: ['--cluster', 'slow'], under: has('strace') ? [...tracer, ...delay] : [] })
  const fill = (dir: string): string =>
    `mkdir -p ${dir} && mount -t tmpfs -o size=3m tmpfs ${dir} && { (sleep 20; cat /dev/zero > ${dir}/filler) 2>/dev/null & };`
  const full = await start('full', { args: ['--cluster', 'full'], prepare: fill })
  const other = await stranger()
  const port = (other.address() as AddressInfo).port
  const key = join(folder, 'key')
  spawnSync(process.execPath, [program, 'keygen', key])
  const keyed = `127.0.0.1:${await freePort()}`
  const daemons = [a, b, c, slow, full].map(({ metrics }) => metrics)
  const prometheus = await startPrometheus([...daemons, keyed, `127.0.0.1:${port}`])
  const begun = performance.now()
  const look = async (until: () => boolean): Promise<void> => {
    while (!until() && performance.now() - begun < limit_ms) {
      for (const alert of await firing(prometheus)) {
        if (told.has(alert)) continue
        told.set(alert, performance.now() - begun)
        process.stdout.write(`${((told.get(alert) as number) / 1000).toFixed(0).padStart(4)} s  ${alert}\n`)
      }
      await pause(500)
    }
  }
  try {
    const writes = [write(slow, 10, () => isOver), write(full, 200_000, () => isOver)]
    const knocking = start('knocking', { args: ['--cluster-key', key, '--join', a.listen, '--metrics', keyed] })
    void knocking.catch(() => undefined)
    const stalls = (async (): Promise<void> => {
      for (let i = 0; i < 4; i += 1) {
        b.process.kill('SIGSTOP')
        await pause(4000)
        b.process.kill('SIGCONT')
        await pause(6000 + 2000 * i)
      }
    })()
    await Promise.all([stalls, look(() => performance.now() - begun > 50_000)])
    b.process.kill('SIGKILL')
    c.process.kill('SIGKILL')
    const all = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)
    const missing = (): string[] => all.filter((name) => !told.has(name) && !untried.includes(name))
    await look(() => missing().length === 0)
    isOver = true
    await Promise.all(writes)
    return missing()
  } finally {
    isOver = true
    other.close()
  }
}

async function end(): Promise<void> {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const exit = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    await Promise.race([exit, pause(8000)])
    child.kill('SIGKILL')
  }
  rmSync(folder, { recursive: true, force: true })
}

if (!has('prometheus')) {
  process.stdout.write('skipped: prometheus is not installed here\n')
} else {
  try {
    const missing = await tryAll()
    for (const alert of untried) process.stdout.write(`  –    ${alert}: by tests alone\n`)
    if (missing.length > 0) process.stdout.write(`not told: ${missing.join(', ')}\n`)
    process.exitCode = missing.length > 0 ? 1 : 0
  } finally {
    await end()
  }
}
