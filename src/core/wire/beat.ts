/**
 * The frames of a heartbeat stream, from one daemon to one other: heartbeats, vitals, two words about who is to send heartbeats
 * to whom; what the one reports, where the other may have missed it; questions whether somebody lives, where gossip brings no answer.
 */
import type { PeerId } from '../model/model.js'
import { type Reader, Writer, decode } from './codec.js'
import { type AnswerMessage, type Question, type ReportMessage } from './gossip.js'
import { readAnswer, readQuestion, readReport, writeAnswer, writeQuestion, writeReport } from './gossip.js'
import { wireLimits } from './limits.js'

/** How often a daemon sends a heartbeat to each of its observers. */
export const heartbeatInterval_ms = 1000

export interface Heartbeat {
  readonly type: 'heartbeat'
  readonly generation: number
  readonly incarnation: number
  /** Raised by each heartbeat of a generation. */
  readonly sequence: number
  /** Percent of the machine's CPU. */
  readonly load: number
  /** 8 bytes over the heads that this daemon holds and that have settled. */
  readonly digest: Uint8Array
  readonly relayed: readonly RelayedHeartbeat[]
}

/** Hearsay about another member: refreshes when it was last heard, and never raises a generation. */
export interface RelayedHeartbeat {
  /** The first 48 bits of the hash of its peer id. */
  readonly shortId: number
  readonly generation: number
  readonly sequence: number
  readonly load: number
  /** How long before this frame the relaying daemon knew it to be alive, milliseconds. */
  readonly age_ms: number
}

/** Usage and GPUs of machines, of the sender's own or passed on. */
export interface VitalsFrame {
  readonly type: 'vitals'
  readonly list: readonly Vitals[]
}

export interface Vitals {
  readonly owner: PeerId
  readonly generation: number
  readonly sequence: number
  /** Passed on unread. */
  readonly json: string
}

/** "I send you no heartbeats, or no more of them: my silence means nothing." */
export interface Farewell {
  readonly type: 'farewell'
  /** Whether the sender still has a use for this connection. Where neither end has, it is closed. */
  readonly needed: boolean
}

/** "As I see it I am your observer, and hear nothing." Answered by heartbeats for a while, whatever the asked one sees. */
export interface Ask {
  readonly type: 'ask'
}

/** "I answer when I am asked by gossip whether I live." */
export interface Able {
  readonly type: 'able'
}

/** "I pass on such questions over connections as well, and answers." */
export interface AblePassing {
  readonly type: 'passing'
}

/** "Does it live?" */
export interface PassedQuestion extends Question {
  readonly type: 'question'
  /** Over how many more it may go that are not connected with its subject. */
  readonly hops: number
}

/** "I live", signed, since others pass it on. */
export interface PassedAnswer extends AnswerMessage {
  readonly author: PeerId
  readonly signature: Uint8Array
}

export type BeatFrame =
  | Heartbeat
  | VitalsFrame
  | Farewell
  | Ask
  | Able
  | AblePassing
  | PassedQuestion
  | PassedAnswer
  | ReportMessage

const kinds = {
  heartbeat: 1,
  vitals: 2,
  farewell: 3,
  ask: 4,
  report: 5,
  able: 6,
  passing: 7,
  question: 8,
  answer: 9,
} as const

const signatureBytes = 64
const mostHops = 3

/** What is signed as an answer is signed as nothing else. */
const answerDomain = new TextEncoder().encode('rollcall answer\n')

/** What the author of a passed answer signs. */
export function answerSigned(answer: Pick<AnswerMessage, 'generation' | 'sequence' | 'nonces'>): Uint8Array {
  return writeAnswer(new Writer().raw(answerDomain), answer).done()
}

export function encodeBeat(frame: BeatFrame): Uint8Array {
  switch (frame.type) {
    case 'heartbeat':
      return encodeHeartbeat(frame)
    case 'vitals': {
      const writer = new Writer().uint(kinds.vitals)
      return writer
        .list(frame.list, ({ owner, generation, sequence, json }) => {
          writer.text(owner).uint(generation).uint(sequence).text(json)
        })
        .done()
    }
    case 'farewell':
      return new Writer()
        .uint(kinds.farewell)
        .uint(frame.needed ? 1 : 0)
        .done()
    case 'ask':
      return new Writer().uint(kinds.ask).done()
    case 'able':
      return new Writer().uint(kinds.able).done()
    case 'passing':
      return new Writer().uint(kinds.passing).done()
    case 'question':
      return writeQuestion(new Writer().uint(kinds.question), frame).uint(frame.hops).done()
    case 'answer':
      return writeAnswer(new Writer().uint(kinds.answer).text(frame.author), frame).raw(frame.signature).done()
    case 'report':
      return writeReport(new Writer().uint(kinds.report), frame).done()
  }
}

/** Whether that is a heartbeat, as far as its first byte tells: of several only the last one says anything. */
export function isHeartbeat(frame: Uint8Array): boolean {
  return frame[0] === kinds.heartbeat
}

function encodeHeartbeat(frame: Heartbeat): Uint8Array {
  const writer = new Writer()
  writer.uint(kinds.heartbeat).uint(frame.generation).uint(frame.incarnation).uint(frame.sequence)
  writer.uint(frame.load).raw(frame.digest).uint(frame.relayed.length)
  for (const { shortId, generation, sequence, load, age_ms } of frame.relayed) {
    writer.uint48(shortId).uint(generation).uint(sequence).uint(load).uint(age_ms)
  }
  return writer.done()
}

export function decodeBeat(bytes: Uint8Array): BeatFrame | undefined {
  if (bytes.length > wireLimits.beatBytes) return undefined
  return decode(bytes, (reader): BeatFrame | undefined => {
    switch (reader.uint(kinds.answer)) {
      case kinds.heartbeat:
        return readHeartbeat(reader)
      case kinds.vitals:
        return { type: 'vitals', list: reader.list(wireLimits.vitalsAtOnce, () => readVitals(reader)) }
      case kinds.farewell:
        return { type: 'farewell', needed: reader.uint(1) === 1 }
      case kinds.ask:
        return { type: 'ask' }
      case kinds.able:
        return { type: 'able' }
      case kinds.passing:
        return { type: 'passing' }
      case kinds.question:
        return { type: 'question', ...readQuestion(reader), hops: reader.uint(mostHops) }
      case kinds.answer:
        return readPassedAnswer(reader)
      case kinds.report:
        return readReport(reader)
      default:
        return undefined
    }
  })
}

function readHeartbeat(reader: Reader): Heartbeat {
  return {
    type: 'heartbeat',
    generation: reader.uint(),
    incarnation: reader.uint(),
    sequence: reader.uint(),
    load: reader.uint(100),
    digest: reader.raw(8),
    relayed: reader.list(wireLimits.relayedHeartbeats, () => ({
      shortId: reader.uint48(),
      generation: reader.uint(),
      sequence: reader.uint(),
      load: reader.uint(100),
      age_ms: reader.uint(),
    })),
  }
}

function readPassedAnswer(reader: Reader): PassedAnswer {
  const author = reader.text(wireLimits.peerIdBytes)
  return { ...readAnswer(reader, wireLimits.passedAtOnce), author, signature: reader.raw(signatureBytes) }
}

function readVitals(reader: Reader): Vitals {
  return {
    owner: reader.text(wireLimits.peerIdBytes),
    generation: reader.uint(),
    sequence: reader.uint(),
    json: reader.text(wireLimits.vitalsBytes),
  }
}
