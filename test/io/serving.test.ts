// Questions of peers, served within what one peer may have.
import type { Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { Drops } from '../../src/io/network/drops.js'
import { encodeMessage } from '../../src/io/network/messages.js'
import { Rates, rates } from '../../src/io/network/rates.js'
import { type Reply, Serving, servingLimits } from '../../src/io/network/serving.js'

/** A stream on which one question has come. */
function stream(): Stream & { readonly wasCut: boolean; ask(): void } {
  const target = new EventTarget()
  const made = Object.assign(target, {
    status: 'open',
    writableNeedsDrain: false,
    wasCut: false,
    send: () => true,
    close: () => Promise.resolve(),
    abort: () => {
      made.wasCut = true
      made.status = 'aborted'
      target.dispatchEvent(new Event('close'))
    },
    ask: () => {
      const bytes = encodeMessage(new Uint8Array(4), true)
      target.dispatchEvent(Object.assign(new Event('message'), { data: { subarray: () => bytes } }))
    },
  })
  return made as unknown as Stream & { readonly wasCut: boolean; ask(): void }
}

describe('what a peer is answered with counts by its bytes', () => {
  const answer = new Uint8Array(60 * 1024 * 1024)
  const minute = (60 * rates.answer.perSecond) / answer.length

  /** @returns how many questions a peer gets answered at once */
  async function answered(read: boolean): Promise<readonly [number, Record<string, number>]> {
    const drops = new Drops()
    const made = new Rates({ onFlood: () => {}, now: () => 0 })
    const replies: Reply[] = []
    const serving = new Serving({ drops, rates: made, onRequest: (_from, _bytes, reply) => void replies.push(reply) })
    for (let questions = 0; questions < 3 * minute; questions += 1) {
      const one = stream()
      serving.accept(one, 'a')
      one.ask()
      const reply = replies.pop()
      if (reply === undefined) return [questions, drops.all()]
      const gone = new Promise((resolve) => reply(answer, true, resolve))
      if (!read) one.abort(new Error('never mind'))
      expect(await gone).toBe(read)
    }
    return [Number.POSITIVE_INFINITY, drops.all()]
  }

  test('no more than a minute’s share at once; what was made for nobody counts four times', async () => {
    expect(await answered(true)).toEqual([minute, { 'request-excess': 1 }])
    expect(await answered(false)).toEqual([minute / 4, expect.objectContaining({ 'request-excess': 1 })])
  })
})

describe('of what peers ask at once', () => {
  function served(): { readonly drops: Drops; accept(from: string): ReturnType<typeof stream> } {
    const drops = new Drops()
    const serving = new Serving({
      ...{ drops, rates: new Rates({ onFlood: () => {}, now: () => 0 }) },
      onRequest: (_from, _bytes, reply) => reply(new Uint8Array(), true),
    })
    const accept = (from: string): ReturnType<typeof stream> => {
      const one = stream()
      serving.accept(one, from)
      return one
    }
    return { drops, accept }
  }

  test('one has no more than a daemon has under way itself, and nobody else less for that', () => {
    const { drops, accept } = served()
    const those = Array.from({ length: servingLimits.peerAtOnce + 1 }, () => accept('a'))
    expect(those.map(({ wasCut }) => wasCut)).toEqual([...those.slice(1).map(() => false), true])
    expect(accept('b').wasCut).toBe(false)
    those[0]?.abort(new Error('never mind'))
    expect(accept('a').wasCut).toBe(false)
    expect(drops.all()).toEqual({ 'request-refused': 1 })
  })

  test('all together have so many', () => {
    const { drops, accept } = served()
    const those = Array.from({ length: servingLimits.atOnce }, (_, n) => accept(`peer ${n}`))
    expect(those.some(({ wasCut }) => wasCut)).toBe(false)
    expect(accept('one more').wasCut).toBe(true)
    expect(drops.all()).toEqual({ 'request-refused': 1 })
  })

  test('one has a minute of its rate, however soon it is answered', () => {
    const { drops, accept } = served()
    const minute = 60 * rates.question.perSecond
    for (let n = 0; n < minute; n++) accept('a').abort(new Error('never mind'))
    expect(drops.all()).toEqual({})
    expect(accept('a').wasCut).toBe(true)
    expect(drops.all()).toEqual({ 'request-excess': 1 })
    expect(accept('b').wasCut).toBe(false)
  })
})
