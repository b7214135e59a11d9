/**
 * Reads the options of a node that runs inside a program. The rules are those of the daemon's options; only the names in its errors
 * are other ones.
 */
import { options as table, parseConfig, type LogLevel, type OptionName } from '../config.js'
import type { LentLog } from '../config/logger.js'
import { refuseUnknown } from '../config/nearest.js'
import { isClusterKey } from '../config/values.js'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { type Registration, parseRegistration, registrationFields } from '../core/model/model.js'
import type { NodeConfig } from '../daemon/runtime.js'
import { createLog, lendLog, silentLog, type Log } from '../log.js'
import { checkMetricsOptions, type MetricsRegister } from '../metrics/register.js'
import type { NodeOptions } from './settings.js'

/** Options that were read: complete, and independent of how they were given. */
export interface ReadOptions {
  /** Undefined: in memory. */
  readonly dataDir: string | undefined
  readonly config: NodeConfig & { readonly url?: string }
  readonly log: Log | Promise<Log>
  readonly signal: AbortSignal | undefined
  /** Where metrics are shown. */
  readonly metrics: MetricsRegister | undefined
  /** What is registered before anything else. */
  readonly register: readonly Registration[]
}

const texts = ['cluster', 'nodeId', 'url', 'region', 'zone'] as const
const lists = ['listen', 'join', 'announce'] as const
const names = [
  ...texts,
  ...lists,
  'register',
  'dataDir',
  'memory',
  'mdns',
  'clusterKey',
  'log',
  'logLevel',
  'signal',
  'metrics',
] as const

/** @throws RegistryError `malformed`, naming the option and the way out */
export function readOptions(options: NodeOptions): ReadOptions {
  const given = givenOf(options)
  const dataDir = readKeeping(given)
  const signal = readSignal(given['signal'])
  const config = {
    ...parseConfig({ flags: { dataDir: dataDir ?? '.' }, env: {} }), // the defaults; that of the data dir would need a home
    ...read(given, texts, readText),
    ...read(given, lists, readList),
    ...read(given, ['mdns'], readSwitch),
    ...read(given, ['clusterKey'], readClusterKey),
    listenElsewhere: given['listen'] === undefined,
  }
  const metrics = given['metrics'] === undefined ? undefined : checkMetricsOptions(given['metrics']).register
  return { dataDir, config, log: readLog(given), signal, metrics, register: readRegistrations(given['register']) }
}

function readRegistrations(given: unknown): readonly Registration[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) throw malformed('register: must be a list of registrations')
  return given.map((one: unknown, i) => {
    try {
      refuseUnknown(Object(one) as object, registrationFields, 'field')
      return parseRegistration(one, 'own')
    } catch (error) {
      throw malformed(`register[${i}].${messageOf(error)}`)
    }
  })
}

type Given = Readonly<Record<string, unknown>>

/** What is `undefined` counts as not given: that is how optional settings of a program arrive. */
function givenOf(options: unknown): Given {
  if (typeof options !== 'object' || options === null) {
    throw malformed('options: must be an object such as { dataDir: "./rollcall" } or { memory: true }')
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  refuseUnknown(Object.fromEntries(given), names, 'option')
  return Object.fromEntries(given)
}

function readKeeping(given: Given): string | undefined {
  const inMemory = given['memory'] !== undefined && readSwitch('memory', given['memory'])
  if (inMemory && given['dataDir'] !== undefined) {
    throw malformed('dataDir and memory: a node in memory keeps nothing on disk; give one of the two')
  }
  if (inMemory) return undefined
  if (given['dataDir'] !== undefined) return readText('dataDir', given['dataDir']) as string
  throw malformed(
    'dataDir: missing; give a directory of this node alone, or memory: true for a node that leaves no trace',
  )
}

function readLog(given: Given): Log | Promise<Log> {
  const { log, logLevel } = given
  if (log !== undefined && logLevel !== undefined) {
    throw malformed('log and logLevel: your own logger decides what it writes; give one of the two')
  }
  if (logLevel !== undefined) return createLog(readText('logLevel', logLevel) as LogLevel)
  if (log === undefined) return silentLog()
  const missing = ['debug', 'info', 'warn', 'error'].find((level) => typeof (log as Given)[level] !== 'function')
  if (missing === undefined) return lendLog(log as LentLog)
  throw malformed(`log: has no method ${missing}; give a logger such as pino's, or console`)
}

function readSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value
  throw malformed('signal: must be an AbortSignal, such as that of new AbortController()')
}

// ---- one option each

type Reader = (name: OptionName, value: unknown) => unknown

/** Those that are given. What the readers give fits: they are the ones that the configuration itself is read by. */
function read(given: Given, some: readonly OptionName[], reader: Reader): object {
  const there = some.filter((name) => given[name] !== undefined)
  return Object.fromEntries(there.map((name) => [name, reader(name, given[name])]))
}

function readText(name: OptionName, value: unknown, shownAs: string = name): unknown {
  if (typeof value !== 'string' || value === '') throw malformed(`${shownAs}: must be a text that is not empty`)
  try {
    return table[name].parse(value)
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    throw new RegistryError('malformed', `${shownAs}: ${error.message}`, { cause: error })
  }
}

function readList(name: OptionName, value: unknown): unknown {
  if (!Array.isArray(value)) throw malformed(`${name}: must be a list of texts`)
  return value.map((one, i) => readText(name, one, `${name}[${i}]`))
}

function readSwitch(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw malformed(`${name}: must be true or false`)
}

function readClusterKey(name: OptionName, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return readText(name, value)
  if (isClusterKey(value)) return value
  throw malformed(
    `${name}: these bytes are no cluster key; generateClusterKey() makes one, as does rollcall keygen FILE`,
  )
}

function malformed(message: string): RegistryError {
  return new RegistryError('malformed', message)
}
