/**
 * How much of what was sent over a connection the other side has not acknowledged yet. Linux tells it of every TCP connection in
 * `/proc`; Node tells nobody, and a few bytes that were written to somebody whose cable was pulled look like any others.
 */
import { readFile } from 'node:fs/promises'
import { isIPv4, type Socket } from 'node:net'
import { endianness } from 'node:os'
import { readIpv6, spellHost } from '../core/model/host.js'

/** Bytes by connection, see `nameOf`. */
export type Undelivered = ReadonlyMap<string, number>

/** @returns undefined where this system does not tell */
export async function readUndelivered(): Promise<Undelivered | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8').catch(() => '')),
  )
  const bytes = new Map(tables.flatMap((table) => table.split('\n')).flatMap(parseLine))
  return bytes.size === 0 ? undefined : bytes
}

/** `0: 0100007F:E377 0100007F:C0DE 01 0000002A:00000000 …`: index, both ends, state, bytes to be sent and to be read. */
function parseLine(line: string): readonly (readonly [string, number])[] {
  const [, ends, queued] =
    /^\s*\d+: ([0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/.exec(line) ?? []
  return ends === undefined || queued === undefined ? [] : [[ends, parseInt(queued, 16)]]
}

/** A connection as it stands in those tables; undefined once it is closed. */
export function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string | undefined {
  if (localAddress === undefined || localPort === undefined) return undefined
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return `${endOf(localAddress, localPort)} ${endOf(remoteAddress, remotePort)}`
}

function endOf(address: string, port: number): string {
  const bytes = isIPv4(address) ? address.split('.').map(Number) : bytesOfIPv6(address)
  return `${wordsOf(bytes)}:${hex(port, 4)}`
}

/** Four bytes are one number, as this machine keeps numbers. */
function wordsOf(bytes: readonly number[]): string {
  const digits = bytes.map((byte) => hex(byte, 2))
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => digits.slice(4 * i, 4 * i + 4))
  return words.map((word) => (endianness() === 'LE' ? word.reverse() : word).join('')).join('')
}

function bytesOfIPv6(address: string): readonly number[] {
  const [plain = ''] = address.split('%')
  return readIpv6(spellHost(`[${plain}]`) ?? '').flatMap((group) => [group >> 8, group & 255])
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
