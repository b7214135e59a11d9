// The vitals of this machine, and the GPUs of machines that it is not: one of them spoke for itself (`nvidia-smi/` beside this
// file, captured on an H100 with driver 580 while a program held 256 MiB there), two cards and their oddities are written by
// hand after the manual of nvidia-smi.
import { existsSync } from 'node:fs'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createGpuReader, parseCudaVersion, parseGpuCsv, parseProcessCsv, type Gpu } from '../../src/io/gpus.js'
import { cpuPercent, createMachine, fitVitals, parseMemAvailable, type Vitals } from '../../src/io/machine.js'

const nodeUrl = 'http://10.0.0.5:58231'

const twoCards = `index, name, pci.bus_id, temperature.gpu, pstate, power.draw [W], power.limit [W], memory.used [MiB], memory.total [MiB], utilization.gpu [%], compute_mode
0, NVIDIA GeForce RTX 3090, 00000000:04:00.0, 51, P8, 21.59 W, 350.00 W, 12301 MiB, 24576 MiB, 0 %, Default
1, NVIDIA GeForce RTX 3090, 00000000:0B:00.0, 63, P2, 341.07 W, 350.00 W, 20480 MiB, 24576 MiB, 97 %, Default
`

const itsProcesses = `gpu_bus_id, pid, process_name, used_gpu_memory [MiB]
00000000:04:00.0, 13012, /usr/bin/python3, 12290 MiB
00000000:0B:00.0, 7, [Not Found], [N/A]
`

const itsHeader = `Mon Nov 23 20:00:00 2026
+---------------------------------------------------------------------------------------+
| NVIDIA-SMI 535.129.03             Driver Version: 535.129.03   CUDA Version: 12.2     |
|-----------------------------------------+----------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |         Memory-Usage | GPU-Util  Compute M. |
|                                         |                      |               MIG M. |
|=========================================+======================+======================|
|   0  NVIDIA GeForce RTX 3090        Off | 00000000:04:00.0 Off |                  N/A |
| 30%   51C    P8              21W / 350W |  12301MiB / 24576MiB |      0%      Default |
|                                         |                      |                  N/A |
+-----------------------------------------+----------------------+----------------------+
`

/** The folder of what an H100 said. */
const captured = fileURLToPath(new URL('nvidia-smi', import.meta.url))

const capturedCard: Gpu = {
  id: 'http://10.0.0.5:58231:0',
  intraNodeId: 0,
  name: 'NVIDIA H100 80GB HBM3',
  busId: '00000000:00:06.0',
  temperature: 53,
  performanceState: 'P0',
  powerUsage: 137.67,
  powerCap: 700,
  memoryUsage: 783,
  memoryTotal: 81_559,
  gpuUtilization: 0,
  computeMode: 'Default',
  processDetails: [{ pid: 439, processName: 'python3', memoryUsage: 774 }],
  cudaVersion: '13.0',
}

const firstCard: Gpu = {
  id: 'http://10.0.0.5:58231:0',
  intraNodeId: 0,
  name: 'NVIDIA GeForce RTX 3090',
  busId: '00000000:04:00.0',
  temperature: 51,
  performanceState: 'P8',
  powerUsage: 21.59,
  powerCap: 350,
  memoryUsage: 12_301,
  memoryTotal: 24_576,
  gpuUtilization: 0,
  computeMode: 'Default',
}

describe('nvidia-smi', () => {
  it('lists two RTX 3090 with all their fields', () => {
    const gpus = parseGpuCsv(twoCards, nodeUrl)
    expect(gpus).toHaveLength(2)
    expect(gpus[0]).toEqual(firstCard)
    expect(gpus[1]).toEqual({
      ...firstCard,
      ...{ id: `${nodeUrl}:1`, intraNodeId: 1, busId: '00000000:0B:00.0', temperature: 63, performanceState: 'P2' },
      ...{ powerUsage: 341.07, memoryUsage: 20_480, gpuUtilization: 97 },
    })
  })

  it('lists the same without headers, and without units', () => {
    const lines = twoCards.split('\n').slice(1).join('\n')
    expect(parseGpuCsv(lines, nodeUrl)).toEqual(parseGpuCsv(twoCards, nodeUrl))
    const noUnits = lines.replaceAll(/ (W|MiB|%)(?=,|$)/gm, '')
    expect(noUnits).not.toContain('MiB')
    expect(parseGpuCsv(noUnits, nodeUrl)).toEqual(parseGpuCsv(twoCards, nodeUrl))
    const processes = itsProcesses.split('\n').slice(1).join('\n')
    expect(parseProcessCsv(processes)).toEqual(parseProcessCsv(itsProcesses))
  })

  it('may print its columns in any order, by their other names, and without an index', () => {
    const text = 'gpu_bus_id, memory.total [MiB], name\r\n0:1, 10 MiB, A\r\n0:2, 20 MiB, B\r\n'
    const gpus = parseGpuCsv(text, nodeUrl)
    expect(gpus.map(({ intraNodeId, busId, memoryTotal, name }) => [intraNodeId, busId, memoryTotal, name])).toEqual([
      [0, '0:1', 10, 'A'],
      [1, '0:2', 20, 'B'],
    ])
  })

  it('may not know every figure', () => {
    const text = twoCards
      .replace('21.59 W', '[N/A]')
      .replace(' 0 %', ' [Not Supported]')
      .replace('P8', 'N/A')
      .replace('51,', '[Unknown Error],')
      .replace('12301 MiB', '[Insufficient Permissions]')
    expect(parseGpuCsv(text, nodeUrl)[0]).toEqual({
      ...firstCard,
      ...{ powerUsage: 0, gpuUtilization: 0, performanceState: '', temperature: 0, memoryUsage: 0 },
    })
  })

  it.each(['', '\n', 'No devices were found\n', 'index, name\n', '\u0000,\n,,,,\n'])(
    'may print no GPU at all: %j',
    (text) => {
      expect(parseGpuCsv(text, nodeUrl)).toEqual([])
    },
  )

  it('lists processes by GPU', () => {
    expect([...parseProcessCsv(itsProcesses)]).toEqual([
      ['00000000:04:00.0', [{ pid: 13_012, processName: '/usr/bin/python3', memoryUsage: 12_290 }]],
      ['00000000:0B:00.0', [{ pid: 7, processName: '[Not Found]', memoryUsage: 0 }]],
    ])
    expect(parseProcessCsv('gpu_bus_id, pid, process_name, used_gpu_memory [MiB]\n').size).toBe(0)
  })

  it('names the CUDA version, in either spelling', () => {
    expect(parseCudaVersion(itsHeader)).toBe('12.2')
    expect(parseCudaVersion('| CUDA Version : 12.2 |')).toBe('12.2')
    expect(parseCudaVersion('| CUDA Version: N/A |')).toBeUndefined()
  })
})

describe('the reader of GPUs', () => {
  const answers = async (args: readonly string[]) => {
    if (args[0]?.startsWith('--query-gpu=')) return twoCards
    return args[0]?.startsWith('--query-compute-apps=') ? itsProcesses : itsHeader
  }

  it('puts processes and CUDA version to their GPUs, and asks for the version once', async () => {
    const asked: (string | undefined)[] = []
    const run = (args: readonly string[]) => {
      asked.push(args[0]?.split('=')[0])
      return answers(args)
    }
    const reader = createGpuReader({ nodeUrl, run })
    const processDetails = [{ pid: 13_012, processName: '/usr/bin/python3', memoryUsage: 12_290 }]
    expect((await reader.read())?.[0]).toEqual({ ...firstCard, processDetails, cudaVersion: '12.2' })
    expect(await reader.read()).toHaveLength(2)
    expect(asked.filter((name) => name === undefined)).toHaveLength(1)
  })

  it('never asks again where there is no nvidia-smi', async () => {
    let asked = 0
    const run = async () => {
      asked++
      throw Object.assign(new Error('spawn nvidia-smi ENOENT'), { code: 'ENOENT' })
    }
    let now = 0
    const reader = createGpuReader({ nodeUrl, run, now: () => now })
    expect(await reader.read()).toBeUndefined()
    now = 1e12
    expect(await reader.read()).toBeUndefined()
    expect(asked).toBe(1)
  })

  it('does not warn of a folder on the PATH that cannot be read, where there is no GPU', async () => {
    const hasGpu = ['/dev/nvidiactl', '/proc/driver/nvidia', '/dev/dxg'].some((path) => existsSync(path))
    const said: string[] = []
    const run = async () => {
      throw Object.assign(new Error('spawn nvidia-smi EACCES'), { code: 'EACCES' })
    }
    expect(await createGpuReader({ nodeUrl, run, log: (text) => said.push(text) }).read()).toBeUndefined()
    expect(said).toHaveLength(hasGpu ? 1 : 0)
  })

  it('asks less and less often while it fails, says so, and comes back', async () => {
    let now = 0
    let fails = true
    const log: string[] = []
    const run = async (args: readonly string[]) => {
      if (fails) throw new Error('Unable to determine the device handle')
      return answers(args)
    }
    const reader = createGpuReader({ nodeUrl, run, now: () => now, log: (message) => log.push(message) })
    for (now = 0; now < 200_000; now += 10_000) await reader.read()
    expect(log).toEqual([
      expect.stringMatching(/Unable to determine .* next try in 60 s/),
      expect.stringMatching(/next try in 120 s/),
      expect.stringMatching(/next try in 240 s/),
    ])
    fails = false
    now = 430_000
    expect(await reader.read()).toHaveLength(2)
  })
})

describe('nvidia-smi as a program', () => {
  const path = process.env['PATH']
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-smi-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  afterEach(() => (process.env['PATH'] = path))

  /** Puts a program of that name, and no other, where programs are looked for. */
  function install(script: string | undefined): void {
    process.env['PATH'] = mkdtempSync(join(dir, 'bin-'))
    if (script === undefined) return
    const file = join(process.env['PATH'], 'nvidia-smi')
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
  }

  it('is run, and what it prints is read', async () => {
    install(`case "$1" in
      --query-gpu=index,name,*) printf '%s' '${twoCards}';;
      --query-compute-apps=*) printf '%s' '${itsProcesses}';;
      '') printf '%s' '${itsHeader}';;
      *) exit 9;;
    esac`)
    const gpus = await createGpuReader({ nodeUrl }).read()
    expect(gpus).toMatchObject([{ busId: '00000000:04:00.0', cudaVersion: '12.2' }, { busId: '00000000:0B:00.0' }])
  })

  it('is read as an H100 said it', async () => {
    install(`case "$1" in
      --query-gpu=*) /bin/cat '${captured}/gpus.csv';;
      --query-compute-apps=*) /bin/cat '${captured}/processes.csv';;
      *) /bin/cat '${captured}/plain.txt';;
    esac`)
    expect(await createGpuReader({ nodeUrl }).read()).toEqual([capturedCard])
  })

  it('may not be there: no GPUs, no word about it', async () => {
    install(undefined)
    const log: string[] = []
    expect(await createGpuReader({ nodeUrl, log: (message) => log.push(message) }).read()).toBeUndefined()
    expect(log).toEqual([])
    const { vitals } = await createMachine({ nodeUrl, log: (message) => log.push(message) }).read()
    expect(JSON.parse(vitals)).not.toHaveProperty('gpus')
  })

  it('may hang: it is given up, the other figures are told all the same, and it is left alone for a while', async () => {
    install('exec /bin/sleep 1000')
    const log: string[] = []
    const gpus = createGpuReader({ nodeUrl, timeout_ms: 50, log: (message) => log.push(message) })
    const machine = createMachine({ nodeUrl, gpus })
    for (let i = 0; i < 3; i += 1) {
      const figures = JSON.parse((await machine.read()).vitals) as Vitals
      expect(figures.gpus).toBeUndefined()
      expect(figures.usage.memory?.used).toBeGreaterThan(0)
    }
    expect(log).toEqual([expect.stringMatching(/no answer within 50 ms.*next try in 60 s/)])
  })

  it('may fail in words that are no CSV', async () => {
    install('echo "NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver."; exit 9')
    const log: string[] = []
    expect(await createGpuReader({ nodeUrl, log: (message) => log.push(message) }).read()).toBeUndefined()
    expect(log).toHaveLength(1)
  })
})

describe('the figures of this machine', () => {
  it('are whole bytes and percents within reason', async () => {
    const machine = createMachine({ nodeUrl, gpus: { read: async () => undefined } })
    const { load, vitals } = await machine.read()
    expect(Number.isInteger(load) && load >= 0 && load <= 100).toBe(true)
    const { usage, gpus } = JSON.parse(vitals) as Vitals
    expect(gpus).toBeUndefined()
    for (const part of [usage.memory, usage.disk]) {
      expect(Number.isSafeInteger(part?.used) && Number.isSafeInteger(part?.total)).toBe(true)
      expect(part?.used).toBeGreaterThan(0)
      expect(part?.used).toBeLessThanOrEqual(part?.total ?? 0)
      expect(part?.percent).toBeGreaterThan(0)
      expect(part?.percent).toBeLessThanOrEqual(100)
    }
    expect(usage.cpu?.percent).toBeGreaterThanOrEqual(0)
  })

  it('leave out what cannot be read', async () => {
    const machine = createMachine({ nodeUrl, diskPath: '/no/such/path', gpus: { read: async () => undefined } })
    const { usage } = JSON.parse((await machine.read()).vitals) as Vitals
    expect(usage.disk).toBeUndefined()
    expect(usage.memory).toBeDefined()
  })

  it('hold the GPUs', async () => {
    const machine = createMachine({ nodeUrl, gpus: { read: async () => [firstCard] } })
    expect((JSON.parse((await machine.read()).vitals) as Vitals).gpus).toEqual([firstCard])
  })

  it('are there on a machine without GPUs too', async () => {
    expect(JSON.parse((await createMachine({ nodeUrl }).read()).vitals)).toHaveProperty('usage')
  })

  it('the CPU is the busy share of the time that has passed', () => {
    expect(cpuPercent({ busy: 100, total: 1000 }, { busy: 150, total: 1200 })).toBe(25)
    expect(cpuPercent({ busy: 100, total: 1000 }, { busy: 100, total: 1000 })).toBeUndefined()
    expect(cpuPercent({ busy: 100, total: 1000 }, { busy: 90, total: 1100 })).toBe(0)
  })

  it('memory counts what the kernel would give back', () => {
    expect(parseMemAvailable('MemTotal:  100 kB\nMemFree:   1 kB\nMemAvailable:      50 kB\n')).toBe(51_200)
    expect(parseMemAvailable('')).toBeUndefined()
  })
})

describe('vitals that are too big', () => {
  const usage = { cpu: { percent: 1 } }
  const cards = (count: number, processes: number): Gpu[] =>
    Array.from({ length: count }, (_, i) => ({
      ...firstCard,
      intraNodeId: i,
      processDetails: Array.from({ length: processes }, () => ({
        pid: 1,
        processName: 'é'.repeat(100),
        memoryUsage: 1,
      })),
    }))

  it('lose the processes first', () => {
    const { gpus } = JSON.parse(fitVitals({ usage, gpus: cards(8, 8) }, 4096)) as Vitals
    expect(gpus).toHaveLength(8)
    expect(gpus?.some((gpu) => 'processDetails' in gpu)).toBe(false)
  })

  it('then lose the last GPUs', () => {
    const json = fitVitals({ usage, gpus: cards(40, 1) }, 4096)
    const { gpus } = JSON.parse(json) as Vitals
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(4096)
    expect(gpus?.length).toBeGreaterThan(8)
    expect(gpus?.map(({ intraNodeId }) => intraNodeId)).toEqual(gpus?.map((_, i) => i))
  })

  it('lose nothing while they fit', () => {
    expect(JSON.parse(fitVitals({ usage, gpus: cards(2, 1) }, 4096))).toEqual({ usage, gpus: cards(2, 1) })
  })
})
