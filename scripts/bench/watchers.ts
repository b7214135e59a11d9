// Many programs that watch one slug at one daemon: how late each hears of a change, what that costs the daemon in memory and processor time.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningDaemon } from '../../test/daemon/cluster.js'
import { bySeeds, closeCluster, openCluster, start } from './daemons.js'
import { Line, get, send } from './line.js'
import { cpuTime_ms, residentMiB } from './machine.js'
import { progress } from './progress.js'
import { type Row, round } from './report.js'
import { EventStream } from './watch.js'

const instances = 10
const changes = 100
/** Between two changes: longer than telling takes, so that each is told by itself. */
const pause_ms = 100
const rest_ms = 5000
const most = 2048

export async function benchWatchers(counts: readonly number[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of counts) rows.push(...(await watchedBy(count)))
  return rows
}

async function watchedBy(count: number): Promise<Row[]> {
  const cluster = openCluster()
  try {
    progress(`watch: ${count} watchers of one slug at one daemon`)
    const { daemon } = await start(cluster, 'a', [...bySeeds([]), '--max-watchers', String(most)])
    const line = await Line.to(daemon.url)
    for (let i = 0; i < instances; i += 1) await register(line, `w${i}`, 0)
    await change(line, 0) // code that has run warm is what a daemon runs that has been up for a while
    const pid = daemon.process.pid as number
    await sleep(rest_ms)
    const before_MiB = residentMiB(pid)
    const news = await EventStream.of(daemon.url)
    const watchers = await Promise.all(Array.from({ length: count }, () => Watcher.of(daemon)))
    const resting = await shareOf(pid, () => sleep(rest_ms))
    const [late, whole]: [number[], number[]] = [[], []]
    const telling = await shareOf(pid, async () => {
      for (let i = 1; i <= changes; i += 1) {
        const asked = performance.now()
        const weight = 1000 + i // none that goes without saying
        const heard = watchers.map((watcher) => watcher.hears(`"weight":${weight}`))
        const [told, ...times] = await Promise.all([
          news.ear.when(`weight ${weight}`, asked, (text) => text.includes(`"weight":${weight}`)),
          ...heard,
          change(line, weight),
        ])
        times.pop()
        for (const at of times as number[]) {
          late.push(at - told)
          whole.push(at - asked)
        }
        news.ear.forget()
        await sleep(Math.max(0, pause_ms - (performance.now() - asked)))
      }
    })
    const [after_MiB, title] = [residentMiB(pid), `watch: ${count} watchers of ${instances} instances`]
    watchers.forEach((watcher) => watcher.close())
    news.close()
    return [
      { what: `${title}: a change is news → each has the list`, unit: 'ms', samples: late },
      { what: `${title}: a write is sent → each has the list`, unit: 'ms', samples: whole },
      { what: `${title}: memory of the daemon`, unit: 'MiB', value: `${round(before_MiB)} → ${round(after_MiB)}` },
      {
        what: `${title}: CPU of the daemon at rest, and at ${1000 / pause_ms} changes a second`,
        unit: '% of a core',
        value: `${round(resting)}, ${round(telling)}`,
      },
    ]
  } finally {
    await closeCluster(cluster)
  }
}

async function register(line: Line, id: string, weight: number): Promise<void> {
  const body = { id, slug: 'watched', url: `http://127.0.0.1:1/${id}`, check: 'none', weight }
  const { status } = await line.ask(send('PUT', '/v1/instances', body))
  if (status !== 201) throw new Error(`registering ${id}: ${status}`)
}

const change = (line: Line, weight: number): Promise<void> => register(line, 'w0', weight)

/** @returns percent of a core */
async function shareOf(pid: number, act: () => Promise<void>): Promise<number> {
  const [begun, before] = [performance.now(), cpuTime_ms(pid)]
  await act()
  return (100 * (cpuTime_ms(pid) - before)) / (performance.now() - begun)
}

/** One stream of lists, read as cheaply as can be: all of them share this process. */
class Watcher {
  readonly #socket: Socket
  #awaited: { readonly text: string; readonly resolve: (at: number) => void } | undefined
  #rest = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1').on('data', (text: string) => this.#take(text))
    socket.on('error', () => undefined)
  }

  static async of({ url }: RunningDaemon): Promise<Watcher> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    const watcher = new Watcher(socket)
    const first = watcher.hears('"slug":"watched"')
    socket.write(get('/v1/watch/watched'))
    await first
    return watcher
  }

  /** @returns when a list came that has this in it */
  hears(text: string): Promise<number> {
    this.#rest = ''
    return new Promise((resolve) => (this.#awaited = { text, resolve }))
  }

  #take(text: string): void {
    this.#rest += text
    if (this.#awaited === undefined || !this.#rest.includes(this.#awaited.text)) return
    this.#awaited.resolve(performance.now())
    this.#awaited = undefined
    this.#rest = ''
  }

  close(): void {
    this.#socket.destroy()
  }
}
