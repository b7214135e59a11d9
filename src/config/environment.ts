/**
 * Which variables of the environment somebody meant for us. The user is not alone in writing it: whoever starts a process adds to it.
 */
import type { Environment } from './layers.js'
import { meant } from './nearest.js'

/**
 * What Kubernetes tells every container of a Service named `rollcall`, or `rollcall-` with anything: where that Service is. No option
 * is named like that. See https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const serviceVariable = /^ROLLCALL_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_[A-Z]+_(?:PROTO|PORT|ADDR))$/
/** Those hold an address: by another value, `ROLLCALL_PORT=8080` is told from what somebody took for an option. */
const addressVariable = /^ROLLCALL_(?:\w+_)?PORT(?:_\d+_[A-Z]+)?$/

/** Of an environment, sentences about what looks as if it were for us, and is no option. */
export function warningsOfEnvironment(env: Environment, known: readonly string[]): string[] {
  return Object.entries(env)
    .filter(([name, value = '']) => name.startsWith('ROLLCALL_') && value.trim() !== '')
    .filter(([name, value = '']) => !known.includes(name) && !isOfService(name, value))
    .map(([name]) => `${name}: there is no such environment variable, so it is not read${suggestion(name, known)}`)
}

/** Whether this is what a container is told of a Service of our name. */
export function isOfService(name: string, value: string): boolean {
  return serviceVariable.test(name) || (addressVariable.test(name) && /^[a-z]+:\/\//.test(value))
}

/** All begin alike: what follows is what was misspelt. `NO_` is of a flag. */
function suggestion(name: string, known: readonly string[]): string {
  const prefix = /^ROLLCALL_(?:NO_)?/
  const wayOut = meant(
    name.replace(prefix, ''),
    known.map((one) => one.replace(prefix, '')),
  )
  return wayOut === undefined ? '' : `; did you mean ROLLCALL_${wayOut}?`
}
