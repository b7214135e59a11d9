/**
 * The TCP transport of libp2p, whose listeners always know their addresses. Libp2p asks the operating system for them, in timers of
 * its own as well, where a refusal (`EMFILE`) would end the process: here the last answer stands in. Nothing else is changed; only
 * what libp2p is lent can be guarded without a listener for all uncaught exceptions, which would hide those of a program around us.
 */
import type { Listener } from '@libp2p/interface'
import { tcp, type TCPOptions } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'

export function transport(init: TCPOptions): ReturnType<typeof tcp> {
  const make = tcp(init)
  return (components) => {
    const built = make(components)
    const create = built.createListener.bind(built)
    built.createListener = (options) => remembering(create(options))
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
