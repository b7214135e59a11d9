/**
 * Reads answers as the published Go client does: an unknown field, a missing one, a fraction where an integer belongs or
 * a word that is no status makes it throw. Written from the contract, not from our schemas.
 */

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number'
const integer: Check = (value) => Number.isInteger(value)
const rfc3339: Check = (value) => text(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value as string)
const port: Check = (value) => integer(value) && (value as number) > 0 && (value as number) < 65_536
const statuses: readonly unknown[] = ['Unknown', 'Healthy', 'Degraded', 'Unreachable', 'Error']
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)

/** Fields that may be absent, and those that may not (marked `!`). */
function object(name: string, fields: Readonly<Record<string, Check>>): Check {
  const known = new Map(Object.entries(fields).map(([field, check]) => [field.replace('!', ''), check]))
  const always = Object.keys(fields).filter((field) => field.endsWith('!'))
  return (value) => {
    if (typeof value !== 'object' || value === null) throw new Error(`${name}: not an object`)
    for (const [field, inner] of Object.entries(value)) {
      const check = known.get(field)
      if (check === undefined) throw new Error(`${name}: unknown field "${field}"`)
      if (!check(inner)) throw new Error(`${name}.${field}: ${JSON.stringify(inner)}`)
    }
    for (const field of always) {
      if (!(field.slice(0, -1) in value)) throw new Error(`${name}: no value given for "${field.slice(0, -1)}"`)
    }
    return true
  }
}

const resource = object('Usage', { used: integer, total: integer, percent: number })
const usage = object('NodeUsage', { cpu: resource, memory: resource, disk: resource })
const gpuProcess = object('Process', { 'pid!': integer, 'processName!': text, 'memoryUsage!': integer })
const gpu = object('GPU', {
  ...{ 'id!': text, intraNodeId: integer, name: text, busId: text, temperature: number, performanceState: text },
  ...{ powerUsage: number, powerCap: number, memoryUsage: integer, memoryTotal: integer, gpuUtilization: number },
  ...{ computeMode: text, processDetails: listOf(gpuProcess), cudaVersion: text },
})

/** @throws Error naming the field */
export const readNode = object('Node', {
  ...{ 'id!': text, 'url!': text, availabilityZone: text, region: text, lastHeartbeat: rfc3339 },
  ...{ usage, gpus: listOf(gpu) },
})

/** @throws Error naming the field */
export const readInstance = object('Instance', {
  ...{ 'id!': text, 'url!': text, 'status!': (value: unknown) => statuses.includes(value), slug: text },
  ...{ deploymentId: text, scheme: text, host: text, ip: text, port, path: text, nodeUrl: text, details: text },
  ...{ tags: listOf(text), lastHeartbeat: rfc3339 },
})
