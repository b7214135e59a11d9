/**
 * What goes to everybody by gossip: updates of documents, reports of silence, questions whether somebody lives. Losing any of it costs time, never truth.
 */
import { type PeerId, hex, unhex } from '../model/model.js'
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

/** "Do you live?", to members of whom others pass on words, while none listens where they were met. */
export interface QuestionMessage {
  readonly type: 'question'
  readonly to: readonly Question[]
}

export interface Question {
  readonly subject: PeerId
  readonly generation: number
  /** 16 bytes that nobody else could know before, as hex digits. */
  readonly nonce: string
}

/** "I live", to those who asked so. Its author is proven by the transport. */
export interface AnswerMessage {
  readonly type: 'answer'
  readonly generation: number
  /** Of its last heartbeat. */
  readonly sequence: number
  readonly nonces: readonly string[]
}

export type GossipMessage = UpdateMessage | ReportMessage | QuestionMessage | AnswerMessage

const kinds = { update: 1, announcement: 2, report: 3, question: 4, answer: 5 } as const
export const nonceBytes = 16

export function encodeGossip(message: GossipMessage): Uint8Array {
  const writer = new Writer()
  if (message.type === 'report') {
    writer.uint(kinds.report)
    return writeReport(writer, message).done()
  }
  if (message.type === 'question') {
    return writer
      .uint(kinds.question)
      .list(message.to, (one) => void writeQuestion(writer, one))
      .done()
  }
  if (message.type === 'answer') return writeAnswer(writer.uint(kinds.answer), message).done()
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

export function writeQuestion(writer: Writer, { subject, generation, nonce }: Question): Writer {
  return writer.text(subject).uint(generation).raw(unhex(nonce))
}

export function readQuestion(reader: Reader): Question {
  return {
    subject: reader.text(wireLimits.peerIdBytes),
    generation: reader.uint(),
    nonce: hex(reader.raw(nonceBytes)),
  }
}

type Answered = Pick<AnswerMessage, 'generation' | 'sequence' | 'nonces'>

/** An answer without the number of its kind. */
export function writeAnswer(writer: Writer, { generation, sequence, nonces }: Answered): Writer {
  return writer
    .uint(generation)
    .uint(sequence)
    .list(nonces, (nonce) => void writer.raw(unhex(nonce)))
}

/** @param most how many it may be for */
export function readAnswer(reader: Reader, most: number): AnswerMessage {
  const [generation, sequence] = [reader.uint(), reader.uint()]
  const nonces = reader.list(most, () => hex(reader.raw(nonceBytes)))
  return { type: 'answer', generation, sequence, nonces }
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
    const kind = reader.uint(5)
    if (kind === kinds.report) return readReport(reader)
    if (kind === kinds.question)
      return { type: 'question', to: reader.list(wireLimits.questionsAtOnce, () => readQuestion(reader)) }
    if (kind === kinds.answer) return readAnswer(reader, wireLimits.questionsAtOnce)
    const signed = decodeHead(reader.bytes(wireLimits.headBytes))
    if (signed === undefined || kind === 0) return undefined
    if (kind === kinds.announcement) return { type: 'update', signed }
    const step = { fromEpoch: reader.uint(), fromVersion: reader.uint(), bytes: reader.rest() }
    return { type: 'update', signed, step }
  })
}
