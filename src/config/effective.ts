/**
 * What a daemon would be started with, option by option, for people who wonder where each came from. It shows what was written,
 * never what a file holds, so no secret gets out.
 */
import { resolve } from 'node:path'
import { formatHostPort, options, parseLayers, type Config, type ConfigSources, type HostPort } from '../config.js'
import { readLayers } from './layers.js'
import { isPath, keyOf, type Option, type Written } from './option.js'
import { parseSwitch } from './values.js'

export interface EffectiveOption {
  /** As in a config file. */
  readonly name: string
  /** `null` where there is none, or where it is found out at start. */
  readonly value: string | boolean | readonly string[] | null
  readonly source: Written['source'] | 'default'
  /** The flag, the variable, or the file with its line; `null` of a default. */
  readonly where: string | null
  /** Of a default, what it is for people where the value alone does not say. */
  readonly note?: string
}

/** @throws RegistryError as `parseConfig` does: what cannot be started with is not explained */
export function effectiveOptions(sources: ConfigSources): readonly EffectiveOption[] {
  const layers = readLayers(options, sources)
  const config = parseLayers(layers, sources.env)
  return Object.entries(options as Readonly<Record<string, Option>>)
    .filter(([name, { hidden }]) => hidden !== true || layers.written.has(name))
    .map(([name, option]) => {
      const written = layers.written.get(name)
      return written === undefined ? fallbackOf(name, option, config) : writtenOption(name, option, written)
    })
}

function writtenOption(name: string, option: Option, { texts, source, where }: Written): EffectiveOption {
  const last = texts.at(-1)!
  const one = option.takes === 'switch' ? parseSwitch(last) : isPath(option) ? resolve(last) : last
  return { name: keyOf(name), value: option.takes === 'many' ? texts : one, source, where }
}

function fallbackOf(name: string, option: Option, config: Config): EffectiveOption {
  const isRandom = name === 'dataDir' && config.temp
  const value = isRandom ? null : plainValue((config as unknown as Readonly<Record<string, unknown>>)[name])
  const note = isRandom ? 'a new one at each start, removed at exit' : option.fallback
  const saysMore = value === null || Array.isArray(value)
  return {
    ...{ name: keyOf(name), value, source: 'default', where: null },
    ...(saysMore && note !== undefined && { note }),
  }
}

function plainValue(value: unknown): EffectiveOption['value'] {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? value : null
  return isHostPort(value) ? formatHostPort(value) : null
}

function isHostPort(value: unknown): value is HostPort {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value
}
