/**
 * What differs between the options that a daemon runs with, as they were read at first, then again. It changes nothing.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Config, OptionName } from '../config.js'
import type { Credentials } from '../config/tokens.js'

/** What a daemon takes over while it runs. */
export const reloadable = ['tokens', 'corsOrigin', 'allowHost', 'logLevel'] as const satisfies readonly OptionName[]

export interface Differences {
  /** What is otherwise from now on, in words; no secret is in them. */
  readonly changed: readonly string[]
  /** Options that count from the next start on, as they are called in a config file. */
  readonly later: readonly string[]
}

/** @param nameOf how people call an option */
export function differencesOf(running: Config, read: Config, nameOf: (option: string) => string): Differences {
  const taken: readonly string[] = reloadable
  const others = Object.keys({ ...running, ...read }) as (keyof Config)[]
  return {
    changed: [
      ...changeOfTokens(running.tokens, read.tokens),
      ...changeOfList('web pages that may use the HTTP API', running.corsOrigin, read.corsOrigin),
      ...changeOfList('host names of proxies', running.allowHost, read.allowHost),
      ...(running.logLevel === read.logLevel ? [] : [`log level: ${read.logLevel}, was ${running.logLevel}`]),
    ],
    later: others
      .filter((name) => !taken.includes(name) && !(name === 'dataDir' && running.temp && read.temp))
      .filter((name) => !isDeepStrictEqual(running[name], read[name]))
      .map(nameOf),
  }
}

function changeOfTokens(running: Credentials | undefined, read: Credentials | undefined): string[] {
  if (running === undefined && read === undefined) return []
  if (running === undefined) return ['tokens: HTTP asks for them now']
  if (read === undefined) return ['tokens: HTTP asks for none any more']
  const namesOf = ({ tokens }: Credentials): string[] => tokens.map(({ name }) => name)
  const was = new Map(running.tokens.map((token) => [token.name, token]))
  const other = read.tokens.filter((token) => was.has(token.name) && !isDeepStrictEqual(was.get(token.name), token))
  return [
    ...changeOfList('tokens', namesOf(running), namesOf(read)),
    ...(other.length === 0 ? [] : [`tokens: changed ${other.map(({ name }) => name).join(', ')}`]),
    ...(isDeepStrictEqual(running.jwt, read.jwt) ? [] : ['tokens: other rules for JWTs']),
  ]
}

function changeOfList(what: string, running: readonly string[], read: readonly string[]): string[] {
  const [added, gone] = [without(read, running), without(running, read)]
  return [
    ...(added.length === 0 ? [] : [`${what}: added ${added.join(', ')}`]),
    ...(gone.length === 0 ? [] : [`${what}: removed ${gone.join(', ')}`]),
  ]
}

function without(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((one) => !others.includes(one))
}
