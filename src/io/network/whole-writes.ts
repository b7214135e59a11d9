/**
 * Hands each message to its socket in one piece. Noise gives the length of a message and the message itself as two, of which each
 * would be a system call, a packet, a wake-up of whoever reads it.
 */
import type { MultiaddrConnection } from '@libp2p/interface'

/** Longer ones go as they come: to copy them costs more than a call, and the socket says in between when it is full. */
const joinedBytes = 64 * 1024

/** A list of pieces, as `uint8arraylist` makes it. */
interface Pieces extends Iterable<Uint8Array> {
  readonly byteLength: number
  /** All of them in one, a copy where there are several. */
  subarray(): Uint8Array
}

/** What is protected in a connection of `@libp2p/utils`, and pinned with its version. */
interface Sending {
  sendData?: (pieces: Iterable<Uint8Array>) => { readonly sentBytes: number; readonly canSendMore: boolean }
}

/** The same connection, which writes so. */
export function inOnePiece(connection: MultiaddrConnection): MultiaddrConnection {
  const sending = connection as unknown as Sending
  const send = sending.sendData?.bind(connection)
  if (send === undefined) return connection
  sending.sendData = (pieces) => {
    const { byteLength } = pieces as Pieces
    return send(byteLength <= joinedBytes ? [(pieces as Pieces).subarray()] : pieces)
  }
  return connection
}
