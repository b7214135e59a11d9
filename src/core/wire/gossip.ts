/**
 * What goes to everybody by gossip: updates of documents, reports of silence. Losing any of it costs time, never truth.
 */
import type { PeerId } from '../model.js'
import { type Reader, Writer, decode } from './codec.js'
import { type SignedHead, decodeHead } from './head.js'
import { wireLimits } from './limits.js'

/** A document has moved on. */
export interface UpdateMessage {
  readonly type: 'update'
  readonly signed: SignedHead
  /** What the update starts from; absent: the update was too large, pull it. */
  readonly step?: UpdateStep
}

/** The way from one version of a document to another. Empty `bytes`: the content did not change. */
export interface UpdateStep {
  readonly fromEpoch: number
  readonly fromVersion: number
  readonly bytes: Uint8Array
}

/** "I observe these, and they are silent." Its author is proven by the transport. */
export interface ReportMessage {
  readonly type: 'report'
  /** Of the author: a replayed report is older than the newest one of its author. */
  readonly authorGeneration: number
  readonly sequence: number
  readonly about: readonly About[]
}

/** What is reported of one member. */
export interface About {
  readonly subject: PeerId
  readonly generation: number
  readonly incarnation: number
  /** "I hear it again": takes back what its author said before. */
  readonly withdrawn?: boolean
}

export type GossipMessage = UpdateMessage | ReportMessage

const kinds = { update: 1, announcement: 2, report: 3 } as const

export function encodeGossip(message: GossipMessage): Uint8Array {
  const writer = new Writer()
  if (message.type === 'report') {
    writer.uint(kinds.report)
    return writeReport(writer, message).done()
  }
  const { signed, step } = message
  if (step === undefined) return writer.uint(kinds.announcement).bytes(signed.bytes).done()
  writer.uint(kinds.update).bytes(signed.bytes).uint(step.fromEpoch).uint(step.fromVersion)
  return writer.raw(step.bytes).done()
}

/** A report without the number of its kind. */
export function writeReport(writer: Writer, { authorGeneration, sequence, about }: ReportMessage): Writer {
  writer.uint(authorGeneration).uint(sequence)
  return writer.list(about, (one) => writeAbout(writer, one))
}

export function readReport(reader: Reader): ReportMessage {
  return {
    type: 'report',
    authorGeneration: reader.uint(),
    sequence: reader.uint(),
    about: reader.list(wireLimits.reportsAtOnce, () => readAbout(reader)),
  }
}

function writeAbout(writer: Writer, { subject, generation, incarnation, withdrawn }: About): void {
  writer
    .text(subject)
    .uint(generation)
    .uint(incarnation)
    .uint(withdrawn === true ? 1 : 0)
}

function readAbout(reader: Reader): About {
  return {
    subject: reader.text(wireLimits.peerIdBytes),
    generation: reader.uint(),
    incarnation: reader.uint(),
    ...(reader.uint(1) === 1 && { withdrawn: true }),
  }
}

export function decodeGossip(bytes: Uint8Array): GossipMessage | undefined {
  if (bytes.length > wireLimits.gossipBytes) return undefined
  return decode(bytes, (reader): GossipMessage | undefined => {
    const kind = reader.uint(3)
    if (kind === kinds.report) return readReport(reader)
    const signed = decodeHead(reader.bytes(wireLimits.headBytes))
    if (signed === undefined || kind === 0) return undefined
    if (kind === kinds.announcement) return { type: 'update', signed }
    const step = { fromEpoch: reader.uint(), fromVersion: reader.uint(), bytes: reader.rest() }
    return { type: 'update', signed, step }
  })
}
