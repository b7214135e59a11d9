/**
 * Says why a daemon that has found nobody may be alone, once, for whoever reads its log. It changes nothing.
 */
import { type Config, isLoopback } from '../config.js'
import type { MdnsView } from '../core/views.js'
import { hostOf } from '../io/network/addresses.js'
import type { Network } from '../io/network/network.js'
import type { Log } from '../log.js'
import { type Beginning, warnWhenReadyWithout } from './first-contact.js'
import type { End } from './life.js'

/** Nobody found for so long: say what may be wrong. */
const aloneAfter_ms = 10_000
/** So many reasons are enough for a line. */
const toldReasons = 3

export function warnWhenAlone(
  config: Pick<Config, 'cluster' | 'mdns'>,
  { network, beginning }: { readonly network: Network; readonly beginning: Beginning },
  log: Log,
): End {
  const timer = setTimeout(() => {
    // Whoever has met others, and has lost them since, is told of that: nothing is wrong with how it looks for them.
    if (network.firstContact().hasMet) return
    const peers = network.peers()
    const failed = [
      ...network.failures().map(({ where, error }) => `${where}: ${error}`),
      ...peers.flatMap(({ lastError }) => lastError ?? []),
      ...(network.mdns() ?? []).flatMap(mdnsTrouble),
      ...(config.mdns && leadsNowhere(network.addresses()) ? [noAddress] : []),
    ]
    const fields = { cluster: config.cluster }
    if (failed.length === 0) log.info(fields, `alone for ${aloneAfter_ms / 1000} s: ${whyAlone(config)}`)
    else log.warn(fields, `alone for ${aloneAfter_ms / 1000} s: ${failed.slice(0, toldReasons).join('; ')}`)
  }, aloneAfter_ms)
  const parts = { contact: () => network.firstContact(), standing: () => beginning.standing() }
  const endWarning = warnWhenReadyWithout(parts, log)
  return () => {
    clearTimeout(timer)
    void endWarning()
  }
}

const noAddress =
  'this machine has no address by which others could find it (an IPv6 link-local one is none, since it means something else on each): is its network up?'

function leadsNowhere(addresses: readonly string[]): boolean {
  return addresses.every((address) => isLoopback(hostOf(address)))
}

function mdnsTrouble({ interface: name, family, trouble }: MdnsView): string[] {
  return trouble === undefined ? [] : [`mDNS does not work on ${name} (${family}): ${trouble}`]
}

/** Where nobody has even been seen. */
function whyAlone({ mdns }: Pick<Config, 'mdns'>): string {
  return mdns
    ? 'no other node has been found. If there are any, multicast may be blocked here: name one of them with --join HOST'
    : 'no other node has been found, and mDNS is off: name one with --join HOST'
}
