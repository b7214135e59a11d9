/**
 * The TCP transport of libp2p, whose listeners always know their addresses. Libp2p asks the operating system for them, in timers of
 * its own as well, where a refusal (`EMFILE`) would end the process: here the last answer stands in. How what comes is read, how much of it
 * before a handshake is done, how messages are written, is told elsewhere. Only what libp2p is lent can be guarded without a listener for
 * all uncaught exceptions, which would hide those of a program around us.
 */
import type { Server } from 'node:net'
import type { Listener, MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { tcp, type TCPOptions } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { hostOf } from './addresses.js'
import type { Allowance, Allowances } from './allowances.js'
import type { Drops } from './drops.js'
import { FirstBytes } from './first-bytes.js'
import type { HalfOpen } from './half-open.js'
import { readInTurns } from './intake.js'
import { writeInOnePiece } from './whole-writes.js'

/** @param halfOpen whose room those share who come in */
export function transport(
  init: TCPOptions,
  halfOpen: HalfOpen,
  drops: Drops,
  allowances: Allowances,
): ReturnType<typeof tcp> {
  const make = tcp(init)
  const firstBytes = new FirstBytes(() => drops.count('handshake-excess'))
  const withCare = (upgrader: Upgrader): Upgrader => careful(upgrader, firstBytes, allowances)
  return (components) => {
    const built = make(components)
    const dial = built.dial.bind(built)
    built.dial = (address, options) => dial(address, { ...options, upgrader: withCare(options.upgrader) })
    const create = built.createListener.bind(built)
    built.createListener = (options) => {
      const upgrader = keepingPlaces(withCare(options.upgrader), halfOpen)
      const listener = remembering(create({ ...options, upgrader }))
      halfOpen.guard((listener as unknown as Listening).server)
      return listener
    }
    return built
  }
}

/** The same upgrader, to whom connections come that read and write as we want it, and little until their handshake is done. */
function careful(upgrader: Upgrader, firstBytes: FirstBytes, allowances: Allowances): Upgrader {
  const through = Object.create(upgrader) as Upgrader
  const during = async <Result>(
    connection: MultiaddrConnection,
    allowance: Allowance | undefined,
    upgrade: () => Promise<Result>,
  ): Promise<Result> =>
    firstBytes.during(connection, async () => {
      const intake = readInTurns(connection, allowance)
      writeInOnePiece(connection)
      const result = await upgrade()
      intake.known(allowances.of(connection))
      return result
    })
  through.upgradeInbound = async (connection, options) =>
    during(connection, allowances.ofPlace(hostOf(connection.remoteAddr.toString())), async () =>
      upgrader.upgradeInbound(connection, options),
    )
  through.upgradeOutbound = async (connection, options) =>
    during(connection, undefined, async () => upgrader.upgradeOutbound(connection, options))
  return through
}

/** What a listener of `@libp2p/tcp` is made of, pinned with its version. */
interface Listening {
  readonly server: Server
}

/** The same upgrader; a connection that comes in has its place until that is done. */
function keepingPlaces(upgrader: Upgrader, halfOpen: HalfOpen): Upgrader {
  const through = Object.create(upgrader) as Upgrader
  through.upgradeInbound = (connection, options) => halfOpen.during(() => upgrader.upgradeInbound(connection, options))
  return through
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
