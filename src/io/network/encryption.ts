/**
 * Noise, which makes no error of the end of what has come. Its decoder tries for one more length after each message, where the
 * exception that there is none costs a trace of calls each time. Whoever does not choose a muxer within the handshake, as all of us do, is
 * not asked for one after it.
 */
import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import type { Allowances } from './allowances.js'
import { keyExchange } from './key-exchange.js'

/** Of a stream of Noise, private and pinned with its version. */
interface Decoding {
  readonly decoder?: { lengthDecoder: (bytes: ByteSource) => number }
}

/** How it computes, which its type does not tell: by its option one would have to write all of that. */
interface Exchanging {
  crypto: object
}

/** What has come and was not read yet. */
interface ByteSource {
  readonly byteLength: number
  getUint16(at: number): number
}

const tooShort = new RangeError('there is no length of a Noise message yet')

/** @param allowances is told whose what comes out of it is */
export function encryption(
  allowances: Allowances,
): (components: Parameters<ReturnType<typeof noise>>[0]) => ConnectionEncrypter {
  const make = noise()
  const exchange = keyExchange()
  return (components) => {
    const built = make(components)
    const exchanging = built as unknown as Exchanging
    exchanging.crypto = { ...exchanging.crypto, ...exchange }
    const careful = <Some extends SecuredConnection>(secured: Some): Some => {
      if (secured.streamMuxer === undefined && components.upgrader.getStreamMuxers().size > 0)
        throw new Error('it chose no muxer')
      allowances.know(secured.connection, secured.remotePeer.toString())
      return decodingQuietly(secured)
    }
    const inbound = built.secureInbound.bind(built)
    built.secureInbound = async (connection, options) => careful(await inbound(connection, options))
    const outbound = built.secureOutbound.bind(built)
    built.secureOutbound = async (connection, options) => careful(await outbound(connection, options))
    return built
  }
}

function decodingQuietly<Some extends SecuredConnection>(secured: Some): Some {
  const { decoder } = secured.connection as MessageStream & Decoding
  if (decoder !== undefined) decoder.lengthDecoder = lengthOf
  return secured
}

/** @throws the same error each time, without a trace, where the two bytes have not come */
function lengthOf(bytes: ByteSource): number {
  if (bytes.byteLength < 2) throw tooShort
  return bytes.getUint16(0)
}
