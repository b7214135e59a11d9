/**
 * Reads what was opened to its end, never more than was asked for. What somebody names may be larger than the memory here, or a device
 * that has no end; what its size is said to be counts for nothing, since that of a pipe, a device, a file of `/proc` is 0.
 */
import { readSync } from 'node:fs'

const mib = 1024 * 1024
/** As much as a pipe holds. */
const piece_bytes = 64 * 1024

/** @throws Error that says how large it may be, and of the system where it cannot be read */
export function readAtMost(fd: number, most_bytes: number): Buffer<ArrayBuffer> {
  const piece = Buffer.allocUnsafe(piece_bytes)
  const pieces: Buffer<ArrayBuffer>[] = []
  let read_bytes = 0
  for (;;) {
    const length = readSync(fd, piece)
    if (length === 0) return Buffer.concat(pieces)
    read_bytes += length
    if (read_bytes > most_bytes) throw new Error(`larger than ${most_bytes / mib} MiB`)
    pieces.push(Buffer.from(piece.subarray(0, length)))
  }
}
