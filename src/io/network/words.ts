/**
 * What is said in multicast DNS, in the records of `@libp2p/mdns`: a question for the service of a cluster; the answer of a member, with
 * its addresses. It opens no socket, and believes nothing that it reads.
 */
import { createHash } from 'node:crypto'
import { AUTHORITATIVE_ANSWER, decode, encode, type Answer, type Packet, type TxtAnswer } from 'dns-packet'
import type { PeerId } from '../../core/model/model.js'
import { readEndpoint } from './addresses.js'
import { foundIn } from './answers.js'
import { isPeerId } from './peerid.js'

const ttl_s = 120
/** A text record holds no more in one string. */
const textLength = 255
/** One packet that crosses a network in one piece: IPv6 promises 1280 bytes, and its header and that of UDP take 48. */
const packetLength = 1232
/** Addresses that are read of one answer. */
const addressLimit = 32

const prefix = 'dnsaddr='

/** The service that the members of a cluster ask for: another one for every cluster name, and short whatever the name. */
export function serviceTag(cluster: string): string {
  return `_rollcall-${createHash('sha256').update(cluster).digest('hex').slice(0, 8)}._udp.local`
}

export function question(tag: string): Uint8Array {
  return encode({ type: 'query', questions: [{ name: tag, type: 'PTR' }] })
}

export interface Speaker {
  readonly peer: PeerId
  /** Another one for each speaker, by which it knows its own answers again. */
  readonly name: string
}

/** Undefined where there is no address to tell. As many as fit are told, the first ones first. */
export function answer(tag: string, { peer, name }: Speaker, addresses: readonly string[]): Uint8Array | undefined {
  const full = `${name}.${tag}`
  const records: Answer[] = [{ name: tag, type: 'PTR', class: 'IN', ttl: ttl_s, data: full }]
  let bytes: Uint8Array | undefined
  for (const address of addresses) {
    const record = addressRecord(full, `${address}/p2p/${peer}`)
    if (record.data.length > textLength) continue
    records.push(record)
    const longer = encode({ type: 'response', flags: AUTHORITATIVE_ANSWER, answers: records })
    if (bytes !== undefined && longer.length > packetLength) return bytes
    bytes = longer
  }
  return bytes
}

export type Heard =
  | { readonly type: 'question' }
  /** Of another member; or of somebody else who is called as we are. */
  | { readonly type: 'answer' | 'copy'; readonly peer: PeerId; readonly addresses: readonly string[] }

/** What concerns a service; undefined for all else that is said on a network, and for what is our own. */
export function read(bytes: Uint8Array, tag: string, own: Speaker): Heard | undefined {
  const packet = readPacket(bytes)
  if (packet?.type === 'query')
    return packet.questions?.some(({ name }) => name === tag) ? { type: 'question' } : undefined
  if (packet?.type !== 'response') return undefined
  const pointer = packet.answers?.find(({ type, name }) => type === 'PTR' && name === tag)
  if (pointer?.type !== 'PTR' || pointer.data.startsWith(own.name)) return undefined
  const texts = [...(packet.answers ?? []), ...(packet.additionals ?? [])].flatMap(textsOf).slice(0, addressLimit)
  const peer = texts.map((text) => readEndpoint(text)?.peer).find((id) => id !== undefined)
  if (peer === undefined || !isPeerId(peer)) return undefined
  const records = texts
    .filter((text) => readEndpoint(text)?.peer === peer)
    .map((text) => addressRecord(pointer.data, text))
  const found = foundIn([pointer, ...records], tag, own.name)
  const type = peer === own.peer ? 'copy' : 'answer'
  return found?.peer === peer ? { type, peer, addresses: found.addresses } : undefined
}

function addressRecord(name: string, address: string): TxtAnswer & { readonly data: string } {
  return { name, type: 'TXT', class: 'IN', ttl: ttl_s, data: `${prefix}${address}` }
}

function readPacket(bytes: Uint8Array): Packet | undefined {
  try {
    return decode(Buffer.from(bytes))
  } catch {
    return undefined
  }
}

function textsOf(record: Answer): string[] {
  if (record.type !== 'TXT') return []
  return [record.data]
    .flat()
    .map(String)
    .filter((text) => text.startsWith(prefix))
    .map((text) => text.slice(prefix.length))
}
