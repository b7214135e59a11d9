/**
 * What `nvidia-smi` says of the GPUs of this machine, in the words of the Registry Svc; never fails where there are none.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { messageOf } from '../core/model/errors.js'

/** The fields of the Registry Svc contract. Where the driver does not tell a figure, it is 0. */
export interface Gpu {
  /** `<node url>:<index>` */
  readonly id: string
  readonly intraNodeId: number
  readonly name: string
  readonly busId: string
  /** °C */
  readonly temperature: number
  readonly performanceState: string
  /** W */
  readonly powerUsage: number
  readonly powerCap: number
  /** MiB */
  readonly memoryUsage: number
  readonly memoryTotal: number
  /** percent */
  readonly gpuUtilization: number
  readonly computeMode: string
  readonly processDetails?: readonly GpuProcess[]
  readonly cudaVersion?: string
}

export interface GpuProcess {
  readonly pid: number
  readonly processName: string
  /** MiB */
  readonly memoryUsage: number
}

export interface GpuReader {
  /** Undefined where there are none, or none that answer. */
  read(): Promise<readonly Gpu[] | undefined>
}

/** Runs `nvidia-smi` and gives what it prints. */
export type RunSmi = (args: readonly string[]) => Promise<string>

const gpuColumns = [
  'index',
  'name',
  'pci.bus_id',
  'temperature.gpu',
  'pstate',
  'power.draw',
  'power.limit',
  'memory.used',
  'memory.total',
  'utilization.gpu',
  'compute_mode',
]
const processColumns = ['gpu_bus_id', 'pid', 'process_name', 'used_memory']

/** What the driver makes: on Linux, and in Windows' own Linux. */
const devices = ['/dev/nvidiactl', '/proc/driver/nvidia', '/dev/dxg']

const defaultTimeout_ms = 5000
/** The pause after the first failure in a row; doubled by each further one, up to the last. */
const backoff_ms = { first: 60_000, last: 3_600_000 }
const limits = { gpus: 64, processes: 64, textLength: 256, outputBytes: 1024 * 1024 }

export interface GpuReaderOptions {
  /** Read each time: it changes with the addresses of the machine. */
  readonly nodeUrl: string
  readonly run?: RunSmi
  /** How long `nvidia-smi` may take to answer. */
  readonly timeout_ms?: number
  /** Told when `nvidia-smi` is there, but fails. */
  readonly log?: (message: string) => void
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number
}

export function createGpuReader(options: GpuReaderOptions): GpuReader {
  const { log, now = () => performance.now(), timeout_ms = defaultTimeout_ms } = options
  const run = options.run ?? ((args) => runSmi(args, timeout_ms))
  let cudaVersion: string | undefined
  let failures = 0
  let notBefore = Number.NEGATIVE_INFINITY

  return {
    async read() {
      if (now() < notBefore) return undefined
      try {
        const gpus = parseGpuCsv(await run([`--query-gpu=${gpuColumns.join(',')}`, '--format=csv']), options.nodeUrl)
        const processes = await run([`--query-compute-apps=${processColumns.join(',')}`, '--format=csv'])
        cudaVersion ??= parseCudaVersion(await run([])) // as constant as the driver
        failures = 0
        return gpus.length === 0 ? undefined : withDetails(gpus, parseProcessCsv(processes), cudaVersion)
      } catch (error) {
        if (isNotThere(error)) {
          notBefore = Number.POSITIVE_INFINITY
          return undefined
        }
        const pause_ms = Math.min(backoff_ms.first * 2 ** failures++, backoff_ms.last)
        notBefore = now() + pause_ms
        const reason = messageOf(error)
        log?.(`nvidia-smi failed (${reason}); GPUs are left out, next try in ${pause_ms / 1000} s`)
        return undefined
      }
    },
  }
}

/**
 * Whether there is no such program. What cannot be read on the way to it, such as a folder of the PATH, says nothing of it where
 * there is no GPU for it to tell of.
 */
function isNotThere(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return true
  const isUnreadable = code === 'EACCES' || code === 'ENOTDIR' || code === 'ELOOP'
  return isUnreadable && !devices.some((path) => existsSync(path))
}

/**
 * A GPU that hangs takes `nvidia-smi` with it into a sleep from which no signal wakes it: after the timeout we wait no longer,
 * and let the process be.
 */
function runSmi(args: readonly string[], timeout_ms: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('nvidia-smi', [...args], { maxBuffer: limits.outputBytes }, (error, stdout) => {
      clearTimeout(timer)
      if (error === null) resolve(stdout)
      else reject(error)
    })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      child.unref()
      child.stdout?.destroy()
      child.stderr?.destroy()
      reject(new Error(`nvidia-smi gave no answer within ${timeout_ms} ms`))
    }, timeout_ms)
  })
}

/**
 * Reads `--query-gpu=… --format=csv`. Columns are found by their headers, in any order; without headers they are those that we
 * ask for. Rows without a name are left out.
 */
export function parseGpuCsv(text: string, nodeUrl: string): Gpu[] {
  const gpus = parseCsv(text, gpuColumns).map((cell, row): Gpu => {
    const index = cell('index') === '' ? row : wholeOf(cell('index'))
    return {
      id: `${nodeUrl}:${index}`,
      intraNodeId: index,
      name: cell('name', 'gpu_name'),
      busId: cell('pci.bus_id', 'gpu_bus_id'),
      temperature: numberOf(cell('temperature.gpu')),
      performanceState: cell('pstate'),
      powerUsage: numberOf(cell('power.draw')),
      powerCap: numberOf(cell('power.limit')),
      memoryUsage: wholeOf(cell('memory.used')),
      memoryTotal: wholeOf(cell('memory.total')),
      gpuUtilization: numberOf(cell('utilization.gpu')),
      computeMode: cell('compute_mode'),
    }
  })
  return gpus.filter((gpu) => gpu.name !== '').slice(0, limits.gpus)
}

/** Reads `--query-compute-apps=… --format=csv`, by bus id. */
export function parseProcessCsv(text: string): Map<string, GpuProcess[]> {
  const byBusId = new Map<string, GpuProcess[]>()
  for (const cell of parseCsv(text, processColumns)) {
    const busId = cell('gpu_bus_id', 'pci.bus_id')
    const pid = wholeOf(cell('pid'))
    const processes = byBusId.get(busId) ?? []
    if (pid === 0 || processes.length >= limits.processes) continue
    const memoryUsage = wholeOf(cell('used_gpu_memory', 'used_memory'))
    processes.push({ pid, processName: cell('process_name', 'name'), memoryUsage })
    byBusId.set(busId, processes)
  }
  return byBusId
}

/** Finds `CUDA Version: 12.2` in what `nvidia-smi` prints when it is asked for nothing. */
export function parseCudaVersion(text: string): string | undefined {
  return /CUDA Version\s*:\s*(\d+(?:\.\d+)*)/.exec(text)?.[1]
}

function withDetails(
  gpus: readonly Gpu[],
  processesByBusId: ReadonlyMap<string, readonly GpuProcess[]>,
  cudaVersion: string | undefined,
): Gpu[] {
  return gpus.map((gpu) => {
    const processDetails = processesByBusId.get(gpu.busId)
    return {
      ...gpu,
      ...(processDetails === undefined ? {} : { processDetails }),
      ...(cudaVersion === undefined ? {} : { cudaVersion }),
    }
  })
}

/** A row: the cell under the first of these headers that there is; what the driver does not tell is empty. */
type Row = (...headers: string[]) => string

/** `nvidia-smi` quotes nothing, and puts the unit of a column behind its header: `memory.used [MiB]`. */
function parseCsv(text: string, asked: readonly string[]): Row[] {
  const all = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const first = (all[0] ?? '').split(',').map((name) => name.replace(/\[[^\]]*\]\s*$/, '').trim())
  const hasNoHeaders = first.length === asked.length && /^\d|^[0-9a-f]{8}:/i.test(first[0] ?? '')
  const [headers, lines] = hasNoHeaders ? [asked, all] : [first, all.slice(1)]
  return lines.map((line) => {
    const cells = line.split(',').map((cell) => cell.trim())
    return (...names) => {
      const cell = names.map((name) => cells[headers.indexOf(name)]).find((found) => found !== undefined) ?? ''
      return /^\[?(N\/A|Not Supported|Unknown Error|Insufficient Permissions)\]?$/i.test(cell)
        ? ''
        : cell.slice(0, limits.textLength)
    }
  })
}

/** The number that a cell such as `21.50 W` begins with; 0 where it begins with none. */
function numberOf(cell: string): number {
  const value = Number.parseFloat(cell)
  return Number.isFinite(value) ? value : 0
}

function wholeOf(cell: string): number {
  return Math.round(numberOf(cell))
}
