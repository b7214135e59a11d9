/**
 * The bytes of questions that are for people: JSON of some kind, answered by JSON. They go over the same streams as the exchange of
 * documents, with numbers of messages of their own; whoever does not know them answers nothing.
 *
 *     question = 6 {"kind": …, …}      answer = 4 {…}, or {"refused": why}
 */
import { readObject } from '../model/model.js'
import { Writer, decode } from './codec.js'
import { wireLimits } from './limits.js'

/** See the kinds of `wire/sync.ts`, which end before these. */
const questionNumber = 6
const answerNumber = 4

/** To ask another thing: choose a kind, say how it is answered (`daemon/questions.ts`). */
export interface Question {
  readonly kind: string
  readonly [field: string]: unknown
}

export type Answered = Readonly<Record<string, unknown>>

/** Whether it is one, readable or not. */
export function isQuestion(bytes: Uint8Array): boolean {
  return bytes[0] === questionNumber
}

export function encodeQuestion(question: Question): Uint8Array {
  return new Writer().uint(questionNumber).text(JSON.stringify(question)).done()
}

export function decodeQuestion(bytes: Uint8Array): Question | undefined {
  const fields = read(bytes, questionNumber, wireLimits.questionBytes)
  return typeof fields?.['kind'] === 'string' ? (fields as Question) : undefined
}

/** Undefined where it is too large. */
export function encodeAnswer(answer: object): Uint8Array | undefined {
  const bytes = new Writer().uint(answerNumber).text(JSON.stringify(answer)).done()
  return bytes.length <= wireLimits.answerBytes ? bytes : undefined
}

export function decodeAnswer(bytes: Uint8Array): Answered | undefined {
  return read(bytes, answerNumber, wireLimits.answerBytes)
}

function read(bytes: Uint8Array, number: number, limit: number): Answered | undefined {
  const json = decode(bytes, (reader) => (reader.uint(number) === number ? reader.text(limit) : undefined))
  return json === undefined ? undefined : readObject(json)
}
