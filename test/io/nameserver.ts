// A DNS server of a test: it listens on loopback, answers what it is told to, and writes down what it was asked.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

/** Addresses; or that there is no such name, that the server cannot tell, or nothing at all. */
export type Zone = Record<string, readonly string[] | 'absent' | 'failing' | 'silent'>

export interface NameServer {
  /** `ADDRESS:PORT` */
  readonly address: string
  /** Changes what is answered from now on. */
  readonly zone: Zone
  /** Names that were asked for, with the type of the question: `a.test 4`. */
  readonly asked: string[]
  close(): Promise<void>
}

const [typeA, typeAAAA] = [1, 28]

/** @param zone names that it lacks are absent */
export async function startNameServer(zone: Zone): Promise<NameServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (question, from) => {
    const { name, type, end } = readQuestion(question)
    const family = type === typeAAAA ? 6 : 4
    asked.push(`${name} ${family}`)
    const known = zone[`${name} ${family}`] ?? zone[name] ?? 'absent'
    if (known !== 'silent') socket.send(answer(question, end, known, family), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${socket.address().port}`, zone, asked, close: () => closed(socket) }
}

async function closed(socket: Socket): Promise<void> {
  const close = once(socket, 'close')
  socket.close()
  await close
}

function readQuestion(bytes: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = bytes.readUInt8(at); length > 0; length = bytes.readUInt8(at)) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: bytes.readUInt16BE(at + 1), end: at + 5 }
}

function answer(question: Buffer, end: number, known: readonly string[] | 'absent' | 'failing', family: 4 | 6): Buffer {
  const addresses = typeof known === 'string' ? [] : known.filter((one) => isIPv4(one) === (family === 4))
  const code = known === 'absent' ? 3 : known === 'failing' ? 2 : 0
  const header = Buffer.from(question.subarray(0, 12))
  header.writeUInt16BE(0x8180 | code, 2)
  header.writeUInt16BE(addresses.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, question.subarray(12, end), ...addresses.map((one) => recordOf(one, family))])
}

function recordOf(address: string, family: 4 | 6): Buffer {
  const rest = family === 4 ? Buffer.from(address.split('.').map(Number)) : ip6Bytes(address)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0) // the name of the question
  head.writeUInt16BE(family === 4 ? typeA : typeAAAA, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(0, 6)
  head.writeUInt16BE(rest.length, 10)
  return Buffer.concat([head, rest])
}

function ip6Bytes(address: string): Buffer {
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
