/** What is said over the network: requests of every size, heartbeats, gossip; and what happens when it cannot be said. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { generateClusterKey } from '../../src/io/network/network.js'
import { rates } from '../../src/io/network/rates.js'
import { turns } from '../../src/io/network/turns.js'
import { eventually } from './eventually.js'
import { answered, ask, bytes, connected, flows, gossiping, startSite, startSites, text } from './networkworld.js'
import type { Reply, Site } from './networkworld.js'

async function pair(): Promise<[Site, Site]> {
  const [one, other] = await startSites(2)
  if (one === undefined || other === undefined) throw new Error('two sites')
  return [one, other]
}

const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')

describe('requests', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 1_000_000])('%i bytes go there and back', async (size) => {
    const [one, other] = await pair()
    const question = randomBytes(size)
    const answer = ask(one, other, question)
    expect(await answered(answer)).toBe(true)
    // An empty last message only ends the answer.
    expect(answer.responses.map(digest)).toEqual(size === 0 ? [] : [digest(question)])
  })

  test('20 MB go both ways at once, several times, while small requests pass', async () => {
    const [one, other] = await pair()
    const question = randomBytes(20_000_000)
    const large = [ask(one, other, question), ask(other, one, question), ask(one, other, question)]
    const small = Array.from({ length: 40 }, (_, n) =>
      ask(n % 2 === 0 ? one : other, n % 2 === 0 ? other : one, bytes(`${n}`)),
    )
    for (const [n, answer] of small.entries()) {
      expect(await answered(answer)).toBe(true)
      expect(answer.responses.map(text)).toEqual([`${n}`])
    }
    for (const answer of large) {
      expect(await answered(answer)).toBe(true)
      expect(answer.responses.map(digest)).toEqual([digest(question)])
    }
  })

  test('an answer may have many messages, and they come in order', async () => {
    const [one, other] = await pair()
    other.answer = (_from, _question, reply) => {
      for (let n = 0; n < 200; n += 1) reply(bytes(`${n}`), false)
      setTimeout(() => reply(new Uint8Array(300_000), false), 20)
      setTimeout(() => reply(bytes('end'), true), 40)
    }
    const answer = ask(one, other, bytes('go'))
    expect(await answered(answer)).toBe(true)
    expect(answer.responses.slice(0, 200).map(text)).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`))
    expect(answer.responses.slice(200).map(({ length }) => length)).toEqual([300_000, 3])
    expect(answer.closed).toEqual([true])
  })

  test('whoever answers is told when a piece has gone, so that the next is made then; and when it never will', async () => {
    const [one, other] = await pair()
    const told: boolean[] = []
    other.answer = (_from, question, reply) => {
      const give = (left: number): void =>
        reply(new Uint8Array(300_000), left === 0, (ok) => {
          told.push(ok)
          if (ok && left > 0 && question.length > 0) give(left - 1)
        })
      give(9)
    }
    const answer = ask(one, other, bytes('all'))
    expect(await answered(answer)).toBe(true)
    expect(answer.responses).toHaveLength(10)
    await eventually('ten are told', () => told.length === 10)
    expect(told).not.toContain(false)
    ask(one, other, new Uint8Array())
    await eventually('one more has gone', () => told.length === 11)
    const asked: Reply[] = []
    other.answer = (_from, _question, reply) => void asked.push(reply)
    ask(one, other, bytes('and goes'))
    await eventually('it is asked', () => asked.length === 1)
    await one.network.stop()
    await eventually('it is gone', () => !other.isConnectedTo(one))
    asked[0]?.(new Uint8Array(9), true, (ok) => told.push(ok))
    expect(told.slice(11)).toEqual([false])
  })

  test('more requests than may run at once wait for their turn', async () => {
    const [one, other] = await pair()
    const answers = Array.from({ length: 250 }, (_, n) => ask(one, other, bytes(`${n}`)))
    for (const [n, answer] of answers.entries()) {
      expect(await answered(answer)).toBe(true)
      expect(answer.responses.map(text)).toEqual([`${n}`])
    }
    expect(other.network.dropped()).not.toHaveProperty('request-refused')
  })

  test('more requests than may wait are refused and counted', async () => {
    const [one, other] = await pair()
    const answers = Array.from({ length: 400 }, (_, n) => ask(one, other, bytes(`${n}`)))
    const outcomes = await Promise.all(answers.map((answer) => answered(answer)))
    const refused = outcomes.filter((ok) => !ok).length
    expect(refused).toBeGreaterThan(0)
    expect(one.network.dropped()['request-queue-full']).toBe(refused)
  })

  test('a small request does not wait for the large ones that nobody answers', async () => {
    const [one, other] = await pair()
    other.answer = (_from, question, reply) => {
      if (question.length < 1_000) reply(question, true)
    }
    const large = Array.from({ length: 30 }, () => ask(one, other, new Uint8Array(100_000)))
    const small = ask(one, other, bytes('small'))
    expect(await answered(small)).toBe(true)
    expect(large.every(({ closed }) => closed.length === 0)).toBe(true)
  })

  test('who never answers is given up at the deadline, once', async () => {
    const [one, other] = await pair()
    other.answer = () => {}
    const answer = ask(one, other, bytes('anybody?'), 200)
    expect(await answered(answer)).toBe(false)
    expect(one.network.dropped()['request-deadline']).toBe(1)
    await flows(one, other)
    expect(answer.closed).toEqual([false])
  })

  test('progress moves the deadline', async () => {
    const [one, other] = await pair()
    other.answer = (_from, _question, reply) => {
      let left = 12
      const timer = setInterval(() => {
        reply(bytes('more'), (left -= 1) === 0)
        if (left === 0) clearInterval(timer)
      }, 100)
    }
    const answer = ask(one, other, bytes('slowly'), 1_000)
    expect(await answered(answer)).toBe(true)
    expect(answer.responses).toHaveLength(12)
  })

  test('a request to nobody fails, after the call', async () => {
    const one = await startSite()
    const answer = ask(one, { id: '12D3KooWNvT9QbZCdMzrwDxvbtr39zrbbGfT2Yipub6tqg2TuNik' }, bytes('hello'))
    expect(answer.closed).toEqual([])
    expect(await answered(answer)).toBe(false)
  })

  test('what is under way fails when the network stops', async () => {
    const [one, other] = await pair()
    let asked = 0
    other.answer = () => void (asked += 1)
    const mine = ask(one, other, bytes('mine'))
    await eventually('it arrived', () => asked === 1)
    await one.network.stop()
    expect(await answered(mine)).toBe(false)
  })

  test('a listener that throws is counted, and the network goes on', async () => {
    const [one, other] = await pair()
    other.answer = () => {
      throw new Error('a bug')
    }
    const answer = ask(one, other, bytes('hello'), 300)
    expect(await answered(answer)).toBe(false)
    expect(other.network.dropped()['listener-failed']).toBe(1)
    await flows(one, other)
  })
})

describe('heartbeats', () => {
  test('arrive in order, both ways, before and after the connection was lost', async () => {
    const [one, other] = await pair()
    for (let n = 0; n < 5; n += 1) one.network.beat(other.id, bytes(`${n}`))
    other.network.beat(one.id, bytes('back'))
    await eventually('five', () => other.beats.length === 5)
    expect(other.beats).toEqual(['0', '1', '2', '3', '4'].map((content) => ({ from: one.id, text: content })))
    await eventually('one back', () => one.beats.length === 1)
    one.network.redial(other.id)
    await eventually('reconnected', () => one.trace.filter((line) => line === `connected ${other.id}`).length === 2)
    await connected(one, other)
    await eventually('beats again', () => {
      one.network.beat(other.id, bytes('again'))
      return other.beats.some(({ text: content }) => content === 'again')
    })
  })

  test('too large a frame is our own fault', async () => {
    const [one, other] = await pair()
    expect(() => one.network.beat(other.id, new Uint8Array(8 * 1024 + 1))).toThrow(/assertion failed/)
    one.network.beat(other.id, new Uint8Array(8 * 1024))
    await eventually('the largest one arrives', () => other.beats.length === 1)
  })

  test('of frames without end as many are heard as an honest peer may send', async () => {
    const [one, other] = await pair()
    let sent = 0
    await eventually('it is too much', () => {
      for (let i = 0; i < 200; i++) one.network.beat(other.id, bytes(`${(sent += 1)}`))
      return (other.network.dropped()['beat-excess'] ?? 0) > 100
    })
    const { perSecond } = rates.frame
    await eventually('the others are heard, in turns', () => other.beats.length >= 60 * perSecond)
    expect(other.beats.length).toBeLessThan(90 * perSecond)
    expect(one.isConnectedTo(other)).toBe(true)
  })

  test('frames over the bound are dropped while the stream opens', async () => {
    const [one, other] = await pair()
    for (let n = 0; n < 100; n += 1) one.network.beat(other.id, bytes(`${n}`))
    expect(one.network.dropped()['beat-backpressure']).toBe(92)
    await eventually('the first arrive', () => other.beats.length === 8)
  })
})

describe('gossip', () => {
  test('arrives everywhere with its author, also through others', async () => {
    const [first, second, third] = await startSites(3)
    if (first === undefined || second === undefined || third === undefined) throw new Error('three sites')
    await gossiping(first, second)
    await gossiping(first, third)
    await flows(second, third)
    await flows(third, second)
    await flows(first, third)
    expect(second.isConnectedTo(third)).toBe(false)
  })

  test('at most 64 KiB, and the largest arrives', async () => {
    const [one, other] = await pair()
    await gossiping(one, other)
    expect(() => one.network.broadcast(new Uint8Array(64 * 1024 + 1))).toThrow(/assertion failed/)
    await eventually('the largest', () => {
      one.network.broadcast(new Uint8Array(64 * 1024))
      return other.gossip.some(({ text: content }) => content.length === 64 * 1024)
    })
  })

  test('a last word before the stop arrives', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [one, other] = await pair()
      await gossiping(one, other)
      one.network.broadcast(bytes('goodbye'))
      await one.network.stop()
      await eventually('it is heard', () => other.gossip.some(({ text: content }) => content === 'goodbye'))
    }
  })

  test('alone, it is no error', async () => {
    const one = await startSite()
    one.network.broadcast(bytes('hello?'))
    const other = await startSite({ join: one.network.addresses() })
    await connected(one, other)
    await flows(one, other)
    expect(one.network.dropped()).not.toHaveProperty('gossip-failed')
  })

  test('switched off, nothing goes out or comes in, and all else works', async () => {
    const [one, other] = await pair()
    const deaf = await startSite({ join: one.network.addresses(), faults: { dropGossip: 1 } })
    await gossiping(one, deaf)
    await gossiping(one, other)
    deaf.network.broadcast(bytes('unheard'))
    expect(deaf.network.dropped()['gossip-fault']).toBe(1)
    await flows(one, other)
    await eventually('it was dropped there', () => (deaf.network.dropped()['gossip-fault'] ?? 0) > 1)
    expect(deaf.gossip).toEqual([])
    expect(await answered(ask(deaf, one, bytes('but this')))).toBe(true)
  })
})

test.each([undefined, generateClusterKey()])(
  'whatever a member has open it is one allowance that pays for it, and one for its heartbeats',
  async (clusterKey) => {
    const [one, other] = (await startSites(2, { clusterKey })) as [Site, Site]
    await gossiping(one, other)
    const add = vi.spyOn(turns, 'add')
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      await flows(from, to)
      expect(await answered(ask(from, to, bytes('what?')))).toBe(true)
      from.network.beat(to.id, bytes('here'))
    }
    const kinds = (): Set<string> => new Set(add.mock.calls.map(([waiting]) => waiting.constructor.name))
    await eventually('bytes and messages had their turns', () => kinds().size === 2)
    await eventually('so had heartbeats', () => one.beats.length > 0 && other.beats.length > 0)
    expect(new Set(add.mock.calls.map(([{ allowance }]) => allowance)).size).toBe(4)
    add.mockRestore()
  },
)
