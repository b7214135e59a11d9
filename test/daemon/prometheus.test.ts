// A real Prometheus, as its users run it: it reads a daemon's metrics, asks it whom else to scrape, keeps those when it gets no answer.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { programHere } from '../programs.js'
import { Cluster, until } from './cluster.js'
import { loopback } from './place.js'

interface Target {
  readonly scrapeUrl: string
  readonly health: 'unknown' | 'up' | 'down'
  readonly labels: Readonly<Record<string, string>>
}

class Prometheus {
  readonly #process: ChildProcess
  readonly #url: string

  constructor(process: ChildProcess, url: string) {
    this.#process = process
    this.#url = url
  }

  /** @param config as JSON, which is YAML */
  static async start(folder: string, config: object): Promise<Prometheus> {
    const [file, address] = [join(folder, 'prometheus.yml'), `127.0.0.1:${await freePort()}`]
    await writeFile(file, JSON.stringify(config))
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=${address}`,
    ]
    return new Prometheus(spawn('prometheus', args, { stdio: 'ignore' }), `http://${address}`)
  }

  async #ask<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.#url}/api/v1/${path}`)).json()) as T
  }

  async targets(job: string): Promise<Target[]> {
    const { data } = await this.#ask<{ data: { activeTargets: Target[] } }>('targets?state=active')
    return data.activeTargets.filter(({ labels }) => labels['job'] === job)
  }

  /** The value of the only sample. */
  async value(query: string): Promise<number | undefined> {
    const asked = `query?query=${encodeURIComponent(query)}`
    const { data } = await this.#ask<{ data: { result: { value: [number, string] }[] } }>(asked)
    const value = data.result[0]?.value[1]
    return value === undefined ? undefined : Number(value)
  }

  async failedDiscoveries(): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text()
    return Number(/^prometheus_sd_http_failures_total (\S+)$/m.exec(text)?.[1] ?? 0)
  }

  async stop(): Promise<void> {
    const exit = once(this.#process, 'exit')
    if (this.#process.exitCode === null && this.#process.kill('SIGTERM')) await exit
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

let cluster: Cluster
let folder: string
let service: Server
let prometheus: Prometheus | undefined
beforeEach(async () => {
  cluster = new Cluster(loopback())
  folder = await mkdtemp(join(tmpdir(), 'rollcall-prometheus-'))
  service = createServer(({ url }, response) =>
    response.end(url === '/inner?format=prometheus' ? '# TYPE up_here gauge\nup_here 7\n' : '-'),
  )
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
})
afterEach(async () => {
  await prometheus?.stop()
  await cluster.close()
  service.closeAllConnections()
  service.close()
  await rm(folder, { recursive: true, force: true })
})

test.skipIf(!programHere('prometheus'))('it scrapes what is registered, also while the daemon is away', async () => {
  const daemon = await cluster.start('a', { args: ['--no-mdns'] })
  const { port } = service.address() as AddressInfo
  await daemon.register({
    slug: 'web',
    url: `http://127.0.0.1:9/x`,
    check: 'none',
    tags: ['blue'],
    id: 'of-another-port',
  })
  const own = { metadata: { metricsPath: '/inner?format=prometheus' }, ports: { metrics: port }, check: 'none' }
  const body = { slug: 'web', url: 'http://127.0.0.1:9', tags: ['blue', 'new'], id: 'web-1', ...own }
  expect((await daemon.ask('/v1/instances', 'PUT', body)).status).toBe(201)
  prometheus = await Prometheus.start(folder, {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms' },
    scrape_configs: [
      { job_name: 'rollcall', static_configs: [{ targets: [new URL(daemon.url).host] }] },
      {
        job_name: 'services',
        http_sd_configs: [{ url: `${daemon.url}/v1/prometheus/targets?slug=web&port=metrics`, refresh_interval: '1s' }],
        relabel_configs: [
          { source_labels: ['__meta_rollcall_tags'], regex: '.*,blue,.*', action: 'keep' },
          { source_labels: ['__meta_rollcall_slug'], target_label: 'job' },
          { source_labels: ['__meta_rollcall_node'], target_label: 'node' },
        ],
      },
    ],
  })
  const running = prometheus
  const isUp = async (): Promise<boolean> => (await running.targets('web')).some(({ health }) => health === 'up')
  await until('the instance is scraped', isUp)
  expect(await running.targets('web')).toMatchObject([
    { scrapeUrl: `http://127.0.0.1:${port}/inner?format=prometheus`, labels: { job: 'web', node: 'a' } },
  ])
  await until('its metric is there', async () => (await running.value('up_here')) === 7)
  await until('the metrics of the daemon are', async () => (await running.value('rollcall_ready')) === 1)
  expect(await running.value('sum(rollcall_instances)')).toBe(2)

  await daemon.kill('SIGKILL')
  await until('nobody says whom to scrape', async () => (await running.failedDiscoveries()) >= 2)
  expect(await isUp()).toBe(true)
})
