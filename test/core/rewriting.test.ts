// What writing an instance again comes to, over what another document of its owner holds of it; what two such are merged to.
import { expect, test } from 'vitest'
import { Entries } from '../../src/core/document/entries.js'
import { withHolds } from '../../src/core/model/holds.js'
import { type InstanceRecord, parseRegistration } from '../../src/core/model/model.js'
import { isSameButForDate } from '../../src/core/records/claims.js'
import { definitions } from '../../src/core/records/definitions.js'
import { instances } from '../../src/core/records/instances.js'
import { Records } from '../../src/core/records/records.js'
import { Writes } from '../../src/core/records/writes.js'
import { Signatures } from '../../src/core/wire/head.js'
import { cheapCrypto } from '../sim/crypto.js'

type Brief = string | undefined

/** `2@5 sick`: of number 2, registered at 5, in maintenance. */
function recordOf(brief: Brief): InstanceRecord | undefined {
  const [, n, stamp, reason] = brief === undefined ? [] : (/^(\d+)(?:@(\d+))?(?: (.+))?$/.exec(brief) ?? [])
  if (n === undefined) return undefined
  const record: InstanceRecord = { id: 'x', url: 'http://x.test:80', status: 'Healthy', n: Number(n) }
  const dated = stamp === undefined ? record : { ...record, stamp: Number(stamp) }
  return reason === undefined ? dated : withHolds(dated, { operator: reason })
}

function briefOf({ n, stamp, maintenance }: InstanceRecord): string {
  return `${n}${stamp === undefined ? '' : `@${stamp}`}${maintenance === undefined ? '' : ` ${maintenance}`}`
}

test.each<[string, [before: Brief, after: Brief, adopted: Brief], object, string]>([
  ['it was registered where there was none', [undefined, '1', undefined], {}, 'write 1'],
  ['both have registered it', [undefined, '1', '1'], {}, 'write 4'],
  ['its number is used up', [undefined, '2', undefined], { usedUpTo: 2 }, 'write 4'],
  ['it was registered anew', ['1@5', '2@6', '1@5'], {}, 'write 2@6'],
  ['it was registered anew at both', ['1@5', '2@6', '2@7'], {}, 'write 4@6'],
  ['it is in maintenance now', ['1', '1 sick', '1'], {}, 'write 1 sick'],
  ['it is in maintenance now, and has another number there', ['1@5', '1@5 sick', '66@5'], {}, 'write 66@5 sick'],
  ['it is in maintenance now, and has another number here', ['1@5', '66@5 sick', '1@5'], {}, 'write 1@5 sick'],
  ['it is in maintenance now, and was registered there since', ['1@5', '1@5 sick', '2@6'], {}, 'leave'],
  ['another one of its number is there', ['1@5', '1@5 sick', '1@6'], {}, 'leave'],
  ['it went, and is there still', ['1', undefined, '1'], {}, 'deregister 1'],
  ['it went, and is there with another number', ['1@5', undefined, '66@5'], {}, 'deregister 66'],
  ['it went, and is not there either', ['1', undefined, undefined], {}, 'leave'],
  ['it went, and was registered there since', ['1@5', undefined, '2@6'], {}, 'leave'],
  ['it went since another node has it', ['1', undefined, '1'], { hasOthers: true }, 'write'],
  ['it went since it was removed', ['1', undefined, '1'], { removedUpTo: 1 }, 'write'],
])('%s: %s → %s', (_, [before, after, adopted], more, expected) => {
  const written = { key: 'x', before: recordOf(before), after: recordOf(after), adopted: recordOf(adopted) }
  const known = { self: 'me', highestNumber: 3, usedUpTo: 0, removedUpTo: 0, hasOthers: false, highestStamp: 0 }
  const outcome = instances.rewrite(written, { ...known, ...more })
  const what = outcome.type === 'write' && outcome.value !== undefined ? briefOf(outcome.value) : ''
  expect(`${outcome.type} ${outcome.type === 'deregister' ? outcome.n : what}`.trim()).toBe(expected)
})

test.each([
  ['1@5', '2@6', '2@6'],
  ['2@6', '1@5 sick', '2@6'],
  ['1@6', '1@5', '1@6'],
  ['1 sick', '1', '1 sick'],
  ['66@5', '1@5 sick', '66@5 sick'],
  ['1@5 sick', '66@5', '66@5 sick'],
])('of two lines that have it as %s and as %s it is merged to %s', (ours, theirs, expected) => {
  const [one, other] = [ours, theirs].map((brief) => recordOf(brief) as InstanceRecord)
  expect(briefOf(instances.merge(one as InstanceRecord, other as InstanceRecord, 'x'))).toBe(expected)
})

test('what ended here, with not a word of it, does not come back with another line; what was registered there since does', () => {
  for (const [n, expected] of [
    [1, [undefined, 1]],
    [2, [2, undefined]],
  ] as const) {
    const crypto = cheapCrypto('me')
    const records = new Records('me', new Entries(crypto.hash), new Signatures(crypto))
    const writes = new Writes(records)
    writes.saveNode({ id: 'n', url: 'http://n.test:1', addresses: [] })
    writes.used.begin()
    writes.register('x', parseRegistration({ url: 'http://x.test:80' }, 'own'), { wall: 0, stamp: 1 })
    const record = records.own('instances', 'x') as InstanceRecord
    writes.deregisterOwn('x', record.n, 0)
    expect([record.n, records.own('removals', 'x')]).toEqual([1, undefined])
    const theirs = instances.write({ ...record, n })
    writes.take({ map: 'instances', key: 'x', after: theirs })
    writes.merge({ map: 'instances', key: 'x', before: theirs })
    expect([records.own('instances', 'x')?.n, records.own('removals', 'x')?.n]).toEqual(expected)
  }
})

test('a mark that is dated anew is the same; another one, a definition, or what lives without a date is what it is', () => {
  const mark = (stamp: number, at: number) => ({ stamp, writer: 'me', at })
  expect(isSameButForDate(definitions, mark(1, 5), mark(1, 6))).toBe(true)
  expect(isSameButForDate(definitions, mark(1, 5), mark(2, 5))).toBe(false)
  expect(isSameButForDate(definitions, undefined, mark(2, 5))).toBe(false)
  const definition = { stamp: 1, writer: 'me', definition: { id: 'd' } }
  expect(isSameButForDate(definitions, definition, mark(1, 5))).toBe(false)
  const record = recordOf('1@5') as InstanceRecord
  expect(isSameButForDate(instances, record, record)).toBe(false)
})
