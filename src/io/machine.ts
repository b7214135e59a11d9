/**
 * How busy this machine is, as the small JSON that travels with the heartbeats: CPU, memory, disk, GPUs. It is never a cause of
 * failure: what cannot be read is left out.
 */
import { readFile, statfs } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import { wireLimits } from '../core/wire/limits.js'
import { createGpuReader, type Gpu, type GpuReader } from './gpus.js'

/** One resource in the words of the Registry Svc: bytes for memory and disk, percent alone for the CPU. */
export interface Usage {
  readonly used?: number
  readonly total?: number
  readonly percent?: number
}

export interface Vitals {
  readonly usage: { readonly cpu?: Usage; readonly memory?: Usage; readonly disk?: Usage }
  readonly gpus?: readonly Gpu[]
}

export interface Machine {
  /** The load in whole percent of all CPUs, and `Vitals` as JSON of at most `wireLimits.vitalsBytes`. Never rejects. */
  read(): Promise<{ readonly load: number; readonly vitals: string }>
}

export interface MachineOptions {
  /** Begins the ids of the GPUs. Read each time: it changes with the addresses of the machine. */
  readonly nodeUrl: string
  /** Any path of the file system to report. */
  readonly diskPath?: string
  readonly gpus?: GpuReader
  /** Told what could not be read. */
  readonly log?: (message: string) => void
}

/** CPU time since the start of the machine. */
export interface CpuTimes {
  readonly busy: number
  readonly total: number
}

export function createMachine(options: MachineOptions): Machine {
  const { diskPath = '/' } = options
  const gpus = options.gpus ?? createGpuReader(options)
  let before = readCpuTimes()
  let load = 0

  return {
    async read() {
      const after = readCpuTimes()
      load = cpuPercent(before, after) ?? load
      if (after.total > 0) before = after // asked in vain, the system says that there are no CPUs
      const [memory, disk, found] = await Promise.all([readMemory(), readDisk(diskPath), gpus.read()])
      const usage = { cpu: { percent: round(load) }, memory, ...(disk === undefined ? {} : { disk }) }
      const vitals = fitVitals(found === undefined ? { usage } : { usage, gpus: found }, wireLimits.vitalsBytes)
      return { load: Math.round(load), vitals }
    },
  }
}

function readCpuTimes(): CpuTimes {
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const used = times.user + times.nice + times.sys + times.irq
    busy += used
    total += used + times.idle
  }
  return { busy, total }
}

/** @returns undefined where too little time has passed to tell */
export function cpuPercent(before: CpuTimes, after: CpuTimes): number | undefined {
  const total = after.total - before.total
  if (total <= 0) return undefined
  return Math.min(100, Math.max(0, (100 * (after.busy - before.busy)) / total))
}

async function readMemory(): Promise<Usage> {
  const total = totalmem()
  // What the kernel calls free leaves out its caches, which it gives back to whoever asks.
  const available = parseMemAvailable(await readFile('/proc/meminfo', 'utf8').catch(() => '')) ?? freemem()
  return usageOf(Math.max(0, total - available), total)
}

/** Reads the line `MemAvailable:   12345 kB` of /proc/meminfo, in bytes. */
export function parseMemAvailable(meminfo: string): number | undefined {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}

async function readDisk(path: string): Promise<Usage | undefined> {
  try {
    const { blocks, bfree, bavail, bsize } = await statfs(path)
    const used = (blocks - bfree) * bsize
    // As df has it: the share of what users may fill, without the reserve of root.
    const usable = used + bavail * bsize
    return { used, total: blocks * bsize, percent: usable === 0 ? 0 : round((100 * used) / usable) }
  } catch {
    return undefined
  }
}

function usageOf(used: number, total: number): Usage {
  return { used, total, percent: total === 0 ? 0 : round((100 * used) / total) }
}

/** Two decimals, so that the JSON stays small. */
function round(percent: number): number {
  return Math.round(percent * 100) / 100
}

/** `vitals` as JSON of at most `limit_bytes`: without the processes of the GPUs if need be, then without the last GPUs. */
export function fitVitals(vitals: Vitals, limit_bytes: number): string {
  const whole = JSON.stringify(vitals)
  if (vitals.gpus === undefined || Buffer.byteLength(whole) <= limit_bytes) return whole
  const gpus = vitals.gpus.map(({ processDetails: _, ...gpu }) => gpu)
  for (let kept = gpus.length; kept > 0; kept--) {
    const json = JSON.stringify({ ...vitals, gpus: gpus.slice(0, kept) })
    if (Buffer.byteLength(json) <= limit_bytes) return json
  }
  return JSON.stringify({ usage: vitals.usage })
}
