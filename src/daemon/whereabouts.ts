/**
 * Tells a registry where its node can be reached, every few seconds: machines change networks. It opens nothing.
 */
import { onInterfacesTrouble } from '../config/interfaces.js'
import type { RegistryEvent } from '../core/effects.js'
import type { Network } from '../io/network/network.js'
import type { Log } from '../log.js'
import type { Engine } from './engine.js'
import type { End } from './life.js'

/** How often the addresses are looked at again. */
const interval_ms = 5000

export interface Whereabouts {
  readonly engine: Engine
  readonly network: Network
  /** By which callers know the node by now. */
  readonly url: () => string
  readonly log: Log
  readonly onEvent: (event: RegistryEvent) => void
}

export function keepTellingWhereabouts(parts: Whereabouts): End {
  const { engine, network, url } = parts
  const tell = (): void => engine.feed({ type: 'listening', addresses: network.addresses(), url: url() })
  tell()
  const timer = setInterval(tell, interval_ms)
  const endTrouble = onInterfacesTrouble((reason) => tellTrouble(parts, reason))
  return () => {
    clearInterval(timer)
    endTrouble()
  }
}

/** The way out is not ours: whoever runs this process has to give it more. */
function tellTrouble({ log, onEvent }: Whereabouts, reason: string | undefined): void {
  if (reason === undefined) return log.info('the network interfaces of this machine are known again')
  const message = `the network interfaces of this machine cannot be read (${reason}); this node goes on with the addresses that it knew. Where too many files are open, raise the limit (ulimit -n)`
  onEvent({ type: 'warning', message })
}
