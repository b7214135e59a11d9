// How long a start waits, for whom, and whose word on its own past it takes.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../src/core/document/document.js'
import { Joining, staleVerdict } from '../../src/core/own/joining.js'
import { horizon_ms } from '../../src/core/records/lifetimes.js'
import { LastHeard, type Sign } from '../../src/core/retention/last-heard.js'
import { Signatures, signHead } from '../../src/core/wire/head.js'
import type { Parcel, Witness } from '../../src/core/wire/sync.js'
import { cheapCrypto } from '../sim/crypto.js'

const start_ms = 10_000

function joining(
  more: {
    readonly stale?: boolean
    readonly freshKey?: boolean
    readonly expected?: string
    readonly askedBefore?: number
  } = {},
): Joining {
  const { stale = false, freshKey = false, expected = '', askedBefore = 0 } = more
  const crypto = cheapCrypto('me')
  return new Joining({
    ...{ now: start_ms, self: 'me', freshKey, stale, expected: [...expected] },
    ...{ hash: crypto.hash, signatures: new Signatures(crypto), askedBefore },
  })
}

/** Whether it is over, so long after the start, with these connected. */
function isOver(join: Joining, after_ms: number, connected = ''): boolean {
  return join.end(new Set(connected), start_ms + after_ms) !== undefined
}

function word(more: Partial<Witness> = {}): Witness {
  return { stale: false, heardOfAsker: true, silence_s: 10, ...more }
}

test('it is over as soon as the one peer that there is has answered, and else after three seconds', () => {
  const join = joining({ expected: 'a' })
  expect(isOver(join, 100, 'a')).toBe(false)
  join.answered('a', 1, word(), start_ms + 100)
  expect(isOver(join, 100, 'a')).toBe(true)
  expect(isOver(joining({ expected: 'a' }), 2999)).toBe(false)
  expect(isOver(joining({ expected: 'a' }), 3000)).toBe(true)
})

test('it waits for everybody that is connected, or was known, and not refused', () => {
  const join = joining({ expected: 'abc' })
  join.answered('a', 1, word(), start_ms)
  join.refused('b')
  expect(isOver(join, 500, 'ad')).toBe(false)
  join.answered('d', 1, word(), start_ms)
  expect(isOver(join, 500, 'ad')).toBe(false)
  join.refused('c')
  expect(isOver(join, 500, 'ad')).toBe(true)
})

test('an answer to a question of before it ends nothing, and says nothing', () => {
  const join = joining({ stale: true, expected: 'ab', askedBefore: 7 })
  const absence = word({ silence_s: horizon_ms / 1000 + 1 })
  for (const [peer, question] of Object.entries({ a: 7, b: 6 })) join.answered(peer, question, word(), start_ms)
  expect(isOver(join, 0, 'ab')).toBe(false)
  for (const [peer, question] of Object.entries({ a: 8, b: 9 })) join.answered(peer, question, absence, start_ms)
  expect(join.end(new Set('ab'), start_ms)?.blank).toBe(true)
})

test('a key made in this very start waits for nobody', () => {
  expect(isOver(joining({ freshKey: true }), 0)).toBe(true)
})

test('a stale node waits three seconds from its first contact for somebody who knows', () => {
  const join = joining({ stale: true, expected: 'ab' })
  expect(isOver(join, 60_000)).toBe(false)
  join.answered('a', 1, word({ stale: true }), start_ms + 60_000)
  expect(isOver(join, 62_999, 'a')).toBe(false)
  expect(isOver(join, 63_000, 'a')).toBe(true)
  expect(join.end(new Set('a'), start_ms + 63_000)?.blank).toBe(false)
})

test('a stale node that was never with anybody waits three seconds from its start', () => {
  const join = joining({ stale: true })
  expect(isOver(join, 2999)).toBe(false)
  expect(isOver(join, 3000)).toBe(true)
})

test('one who heard of it lately ends the doubt, one who did not for too long confirms it', () => {
  const refuted = joining({ stale: true, expected: 'a' })
  refuted.answered('a', 1, word(), start_ms)
  expect(refuted.end(new Set('a'), start_ms)?.blank).toBe(false)
  const confirmed = joining({ stale: true, expected: 'a' })
  confirmed.answered('a', 1, word({ silence_s: horizon_ms / 1000 + 1 }), start_ms)
  expect(confirmed.end(new Set('a'), start_ms)?.blank).toBe(true)
})

test('it is over only once all were asked: until then nothing is given, and one who knows better is believed', () => {
  const join = joining({ stale: true, expected: 'ab' })
  join.answered('a', 1, word({ silence_s: horizon_ms / 1000 + 1 }), start_ms)
  expect([isOver(join, 100, 'ab'), join.isStale]).toEqual([false, true])
  join.answered('b', 1, word(), start_ms + 100)
  expect(join.end(new Set('ab'), start_ms + 100)?.blank).toBe(false)
})

test('a member of an earlier version counts the time that all were off as silence: whoever has heard of it lately overrules that', () => {
  const earlier = word({ silence_s: horizon_ms / 1000 + 1 })
  const among = (...others: readonly Witness[]): boolean | undefined => {
    const join = joining({ stale: true, expected: 'a' })
    join.answered('a', 1, earlier, start_ms)
    for (const other of others) join.answered('b', 1, other, start_ms)
    return join.end(new Set('ab'.slice(0, 1 + others.length)), start_ms)?.blank
  }
  expect([among(word()), among(word({ stale: true })), among()]).toEqual([false, true, true])
})

test('the stale and the new have no word in it', () => {
  expect(staleVerdict(word({ stale: true, silence_s: 10 ** 9 }))).toBe('no-word')
  expect(staleVerdict(word({ heardOfAsker: false }))).toBe('no-word')
  expect(staleVerdict(word({ silence_s: horizon_ms / 1000 }))).toBe('refuted')
})

test('a member tells of the asker when it last heard it, and whether it ever did', () => {
  const lastHeard = new LastHeard({}, { now: 0, wall: 1_000_000 })
  const at = { now: 60_000, wall: 1_060_000 }
  lastHeard.count(at, true)
  const sign = (heardAt?: number): Sign => ({ id: 'a', heardAt, heardGeneration: 1, sequence: 1 })
  const witness = (isStale: boolean, heardAt?: number): Witness =>
    lastHeard.witness('a', sign(heardAt), { isStale, fence: undefined, at })
  expect(witness(false)).toEqual({ stale: false, heardOfAsker: false, silence_s: 60 })
  expect(witness(true, 50_000)).toEqual({ stale: true, heardOfAsker: true, silence_s: 10 })
})

test('of an hour that the machine slept through two minutes count, as silence of others and as the age of what is remembered', () => {
  const lastHeard = new LastHeard({}, { now: 0, wall: 1_000_000 })
  lastHeard.count({ now: 60_000, wall: 1_060_000 }, true)
  const before_ms = lastHeard.uptime_ms
  const awoken = { now: 3_660_000, wall: 4_660_000 }
  lastHeard.count(awoken, true)
  expect(lastHeard.uptime_ms - before_ms).toBe(120_000)
  const sign: Sign = { id: 'a', heardAt: 60_000, heardGeneration: 1, sequence: 1 }
  const witness = lastHeard.witness('a', sign, { isStale: false, fence: undefined, at: awoken })
  expect(witness.silence_s).toBe(120)
})

/** A whole document that some peer gives back: one instance whose value says the version. */
function givenBack(owner: string, version: number, signer = owner): Parcel {
  const { hash } = cheapCrypto(owner)
  const entries = [{ map: 'instances', key: 'i', value: `version ${version}` }] as const
  const document = new OwnDocument(hash, { entries, epoch: 1, client: 7 })
  const digest = document.entries.digest()
  const head = { owner, generation: 1, version, boot: '0'.repeat(16), epoch: 1, incarnation: 0, client: 7, digest }
  return { signed: signHead(head, cheapCrypto(signer)), content: { type: 'full', bytes: document.encode() } }
}

function adopted(...parcels: readonly Parcel[]): string | undefined {
  const join = joining({ expected: 'a' })
  for (const parcel of parcels) join.offer(parcel)
  join.answered('a', 1, word(), start_ms)
  return join.end(new Set('a'), start_ms)?.content?.entries.get('instances', 'i')
}

test('of our own documents that peers give back the newest counts, in whatever order they come', () => {
  expect(adopted()).toBeUndefined()
  expect(adopted(givenBack('me', 3))).toBe('version 3')
  expect(adopted(givenBack('me', 3), givenBack('me', 4))).toBe('version 4')
  expect(adopted(givenBack('me', 4), givenBack('me', 3))).toBe('version 4')
})

test('no document of another owner, none that we did not sign, and none without its content', () => {
  expect(adopted(givenBack('b', 3))).toBeUndefined()
  expect(adopted(givenBack('me', 3, 'b'))).toBeUndefined()
  const { signed, content } = givenBack('me', 3)
  const step = { type: 'step', fromEpoch: 1, fromVersion: 2, bytes: content.bytes } as const
  expect(adopted({ signed, content: step })).toBeUndefined()
})
