/**
 * The TCP transport of libp2p, whose listeners always know their addresses. Libp2p asks the operating system for them, in timers of
 * its own as well, where a refusal (`EMFILE`) would end the process: here the last answer stands in. How messages are written is told
 * elsewhere. Nothing else is changed; only what libp2p is lent can be guarded without a listener for all uncaught exceptions, which
 * would hide those of a program around us.
 */
import type { Listener } from '@libp2p/interface'
import { tcp, type TCPOptions } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { writingWhole } from './whole-writes.js'

export function transport(init: TCPOptions): ReturnType<typeof tcp> {
  const make = tcp(init)
  return (components) => {
    const built = make(components)
    const dial = built.dial.bind(built)
    built.dial = (address, options) => dial(address, { ...options, upgrader: writingWhole(options.upgrader) })
    const create = built.createListener.bind(built)
    built.createListener = (options) => remembering(create({ ...options, upgrader: writingWhole(options.upgrader) }))
    return built
  }
}

function remembering<Some extends Listener>(listener: Some): Some {
  const ask = listener.getAddrs.bind(listener)
  let last: Multiaddr[] = []
  listener.getAddrs = () => {
    try {
      last = ask()
    } catch {
      // Said once, by whoever asks for the interfaces on our own behalf.
    }
    return last
  }
  return listener
}
