/**
 * Leads libp2p's own log into ours, at the quietest levels: what libp2p calls an error is daily life on a network.
 * It never raises a level.
 */
import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import type { Logger } from 'pino'

type Write = (text: string, ...values: unknown[]) => void

export function bridgeLog(log: Logger): ComponentLogger {
  return { forComponent: (name) => scope(log, name) }
}

function scope(log: Logger, component: string): Libp2pLogger {
  const at =
    (level: 'debug' | 'trace'): Write =>
    (text, ...values) => {
      if (log.isLevelEnabled(level)) log[level]({ component }, format(text, values))
    }
  const logger = Object.assign(at('trace'), {
    enabled: false,
    error: at('debug'),
    trace: () => {},
    newScope: (name: string) => scope(log, `${component}:${name}`),
  })
  return Object.defineProperty(logger, 'enabled', { get: () => log.isLevelEnabled('trace') }) // levels change while it lives
}

/** Fills libp2p's placeholders (`%p` a peer id, `%a` an address, `%e` an error…): each is written as its text. */
function format(text: unknown, values: readonly unknown[]): string {
  let at = 0
  return String(text).replace(/%[a-zA-Z]/g, (place) => (at < values.length ? String(values[at++]) : place))
}
