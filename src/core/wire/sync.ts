/**
 * The exact exchange between two daemons: questions on a sync stream, each with its answer.
 *
 *     sync    → documents* end(wanted)      compare heads, send what the asker lacks, name what the answerer lacks
 *     push    → end()                       documents that the other one named
 *     remove  → documents end()             drop your instance; the answer is your new document
 *     act     → documents acted()           do that to your instance; the answer is your new document, or why not
 *     silences →                            so long I have not heard of these; earlier versions drop it
 *
 * Documents without any, before the end of what is given: the answerer has not all itself; see `first-sync.ts`. Earlier versions neither
 * say that nor mind it.
 */
import { type ErrorCode, errorCodes } from '../model/errors.js'
import type { PeerId } from '../model/model.js'
import { type Reader, Writer, decode } from './codec.js'
import type { UpdateStep } from './gossip.js'
import { type Origin, type SignedHead, decodeHead } from './head.js'
import { wireLimits } from './limits.js'

/** What one side holds of one document. All zero: nothing. */
export interface Holding extends Origin {
  readonly owner: PeerId
  readonly epoch: number
  /** The next Yjs clock: what a difference must start at. */
  readonly clock: number
}

/** What to name of an owner of whom nothing is held. */
export function nothingOf(owner: PeerId): Holding {
  return { owner, generation: 0, version: 0, boot: '', epoch: 0, clock: 0 }
}

/** A document on its way: all of it, what is missing from the holding that was named, or its head alone. */
export interface Parcel {
  readonly signed: SignedHead
  readonly content: { readonly type: 'full'; readonly bytes: Uint8Array } | ({ readonly type: 'step' } & UpdateStep)
}

export type SyncRequest =
  | {
      readonly type: 'sync'
      /** `listed`: only the documents that are named; `all`: every document. */
      readonly scope: 'all' | 'listed'
      /** The asker was off for longer than the horizon: its content must not be wanted. */
      readonly stale: boolean
      readonly holdings: readonly Holding[]
    }
  | { readonly type: 'push'; readonly parcels: readonly Parcel[] }
  /** `holding`: what the asker holds of the answerer's document, so that the answer can be a difference. */
  | { readonly type: 'remove'; readonly id: string; readonly n: number; readonly holding: Holding }
  /** `act`: JSON, see `parseAct`; whoever is asked reads it, so that he can say what is wrong with it. */
  | { readonly type: 'act'; readonly id: string; readonly act: string; readonly holding: Holding }
  | { readonly type: 'silences'; readonly silences: readonly Silence[] }

/** For how long a member has been silent since its last word, as somebody counts the time in which it could have been heard. */
export interface Silence {
  readonly owner: PeerId
  readonly generation: number
  readonly sequence: number
  readonly silence_s: number
}

export type SyncResponse =
  | { readonly type: 'documents'; readonly parcels: readonly Parcel[] }
  | {
      readonly type: 'end'
      /** Documents of which the asker holds more than the answerer. */
      readonly wanted: readonly Holding[]
      readonly witness: Witness
    }
  | ({ readonly type: 'acted' } & ActOutcome)

/** What became of an act at the home node: done, with what came of it where anything did; or refused. */
export type ActOutcome =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

/**
 * What the answerer knows of the asker's past. `silence_s`: since anybody last heard of the asker, or since its own birth.
 * `heardOfAsker`: it has heard of it, and would know by now if others had counted a longer silence.
 */
export interface Witness {
  readonly stale: boolean
  readonly heardOfAsker: boolean
  readonly silence_s: number
  /** The asker's own head up to whose generation it is fenced, also where the document that said so is gone. */
  readonly fence?: SignedHead
}

/** 6, like 4 of the answers, is taken: see `questions.ts`. */
const requestKinds = { sync: 1, push: 2, remove: 3, act: 4, silences: 5 } as const
const responseKinds = { documents: 1, end: 2, acted: 3 } as const
const contentKinds = { full: 1, step: 2 } as const
/** The most that one message may hold: one document of full size, and its frame. */
const parcelBytes = wireLimits.contentBytes + 1024

export function encodeSyncRequest(request: SyncRequest): Uint8Array {
  const writer = new Writer(request.type === 'push' ? roomFor(request.parcels) : undefined)
  switch (request.type) {
    case 'sync':
      writer
        .uint(requestKinds.sync)
        .uint(request.scope === 'all' ? 1 : 0)
        .uint(request.stale ? 1 : 0)
      return writeHoldings(writer, request.holdings).done()
    case 'push':
      return writeParcels(writer.uint(requestKinds.push), request.parcels).done()
    case 'remove':
      writer.uint(requestKinds.remove).text(request.id).uint(request.n)
      return writeHoldings(writer, [request.holding]).done()
    case 'act':
      writer.uint(requestKinds.act).text(request.id).text(request.act)
      return writeHoldings(writer, [request.holding]).done()
    case 'silences':
      return writeSilences(writer.uint(requestKinds.silences), request.silences).done()
  }
}

export function decodeSyncRequest(bytes: Uint8Array): SyncRequest | undefined {
  return decode(bytes, (reader): SyncRequest | undefined => {
    switch (reader.uint(5)) {
      case requestKinds.sync: {
        const scope = reader.uint(1) === 1 ? 'all' : 'listed'
        return { type: 'sync', scope, stale: reader.uint(1) === 1, holdings: readHoldings(reader) }
      }
      case requestKinds.push:
        return { type: 'push', parcels: readParcels(reader) }
      case requestKinds.remove: {
        const id = reader.text(4096)
        const n = reader.uint()
        const [holding] = readHoldings(reader)
        return holding && { type: 'remove', id, n, holding }
      }
      case requestKinds.act: {
        const id = reader.text(4096)
        const act = reader.text(wireLimits.actBytes)
        const [holding] = readHoldings(reader)
        return holding && { type: 'act', id, act, holding }
      }
      case requestKinds.silences:
        return { type: 'silences', silences: readSilences(reader) }
      default:
        return undefined
    }
  })
}

/** What the parcels of a message take at the most, so that large ones are written once. */
function roomFor(parcels: readonly Parcel[]): number {
  return parcels.reduce((sum, { content }) => sum + content.bytes.length + wireLimits.headBytes, 64)
}

export function encodeSyncResponse(response: SyncResponse): Uint8Array {
  const writer = new Writer(response.type === 'documents' ? roomFor(response.parcels) : undefined)
  if (response.type === 'documents') return writeParcels(writer.uint(responseKinds.documents), response.parcels).done()
  if (response.type === 'acted') return writeOutcome(writer.uint(responseKinds.acted), response).done()
  const { stale, heardOfAsker, silence_s, fence } = response.witness
  writeHoldings(writer.uint(responseKinds.end), response.wanted)
  writer.uint(stale ? 1 : 0).uint(heardOfAsker ? 1 : 0)
  return writer
    .uint(silence_s)
    .bytes(fence?.bytes ?? new Uint8Array())
    .done()
}

/** An answer that holds one document in full, as far as its content, of so many bytes, which is the last of it. */
export function documentHeader({ bytes }: SignedHead, length: number): Uint8Array {
  return new Writer().uint(responseKinds.documents).uint(1).bytes(bytes).uint(contentKinds.full).uint(length).done()
}

export function decodeSyncResponse(bytes: Uint8Array): SyncResponse | undefined {
  return decode(bytes, (reader): SyncResponse | undefined => {
    switch (reader.uint(3)) {
      case responseKinds.documents:
        return { type: 'documents', parcels: readParcels(reader) }
      case responseKinds.end: {
        const wanted = readHoldings(reader)
        const stale = reader.uint(1) === 1
        const heardOfAsker = reader.uint(1) === 1
        const silence_s = reader.uint()
        const fence = decodeHead(reader.bytes(wireLimits.headBytes))
        const witness = { stale, heardOfAsker, silence_s, ...(fence && { fence }) }
        return { type: 'end', wanted, witness }
      }
      case responseKinds.acted:
        return { type: 'acted', ...readOutcome(reader) }
      default:
        return undefined
    }
  })
}

function writeOutcome(writer: Writer, outcome: ActOutcome): Writer {
  if (outcome.ok) return writer.uint(0).text(outcome.value)
  return writer.uint(1 + errorCodes.indexOf(outcome.code)).text(outcome.message)
}

function readOutcome(reader: Reader): ActOutcome {
  const code = errorCodes[reader.uint(errorCodes.length) - 1]
  const text = reader.text(wireLimits.actAnswerBytes)
  return code === undefined ? { ok: true, value: text } : { ok: false, code, message: text }
}

function writeHoldings(writer: Writer, holdings: readonly Holding[]): Writer {
  return writer.list(holdings, ({ owner, generation, version, boot, epoch, clock }) => {
    writer.text(owner).uint(generation).uint(version).text(boot).uint(epoch).uint(clock)
  })
}

function readHoldings(reader: Reader): Holding[] {
  return reader.list(wireLimits.documents + 1, () => ({
    owner: reader.text(wireLimits.peerIdBytes),
    generation: reader.uint(),
    version: reader.uint(),
    boot: reader.text(16),
    epoch: reader.uint(),
    clock: reader.uint(),
  }))
}

function writeSilences(writer: Writer, silences: readonly Silence[]): Writer {
  return writer.list(silences, ({ owner, generation, sequence, silence_s }) => {
    writer.text(owner).uint(generation).uint(sequence).uint(silence_s)
  })
}

function readSilences(reader: Reader): Silence[] {
  return reader.list(wireLimits.silences, () => ({
    owner: reader.text(wireLimits.peerIdBytes),
    generation: reader.uint(),
    sequence: reader.uint(),
    silence_s: reader.uint(),
  }))
}

function writeParcels(writer: Writer, parcels: readonly Parcel[]): Writer {
  return writer.list(parcels, ({ signed, content }) => {
    writer.bytes(signed.bytes)
    if (content.type === 'full') writer.uint(contentKinds.full).bytes(content.bytes)
    else writer.uint(contentKinds.step).uint(content.fromEpoch).uint(content.fromVersion).bytes(content.bytes)
  })
}

/** A parcel whose head cannot be read spoils the whole message: its sender is broken. */
function readParcels(reader: Reader): Parcel[] {
  return reader.list(wireLimits.documents + 1, () => {
    const signed = decodeHead(reader.bytes(wireLimits.headBytes))
    if (signed === undefined) throw new Error('not a head')
    if (reader.uint(2) === contentKinds.full) {
      return { signed, content: { type: 'full', bytes: reader.bytes(parcelBytes) } }
    }
    const fromEpoch = reader.uint()
    const fromVersion = reader.uint()
    return { signed, content: { type: 'step', fromEpoch, fromVersion, bytes: reader.bytes(parcelBytes) } }
  })
}
