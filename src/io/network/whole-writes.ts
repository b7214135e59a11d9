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

/** What is private in a connection of `@libp2p/tcp`, and pinned with its version. */
interface Sending {
  readonly socket: { readonly writableEnded: boolean }
  sendData: (pieces: Iterable<Uint8Array>) => { readonly sentBytes: number; readonly canSendMore: boolean }
}

export function writeInOnePiece(connection: MultiaddrConnection): void {
  const sending = connection as unknown as Sending
  const send = sending.sendData.bind(connection)
  sending.sendData = (pieces) => {
    const { byteLength } = pieces as Pieces
    // The other end has gone, and some of what it said is still to be read: nobody hears the answers.
    if (sending.socket.writableEnded) return { sentBytes: byteLength, canSendMore: true }
    return send(byteLength <= joinedBytes ? [(pieces as Pieces).subarray()] : pieces)
  }
}
