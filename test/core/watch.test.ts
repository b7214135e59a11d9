// What the silence of subjects means: a report for each, or a doubt about oneself.
import { expect, test } from 'vitest'
import { type Member, newMember } from '../../src/core/membership/member.js'
import { Watch } from '../../src/core/membership/watch.js'

const now = 1_000_000

function member(id: string, silentFor_ms: number): Member {
  const head = {
    owner: id,
    generation: 1,
    version: 1,
    boot: '0'.repeat(16),
    epoch: 1,
    incarnation: 0,
    client: 1,
    digest: new Uint8Array(32),
  }
  const heard = now - silentFor_ms
  return {
    ...newMember(id, new Uint8Array(32), head, now - 60_000),
    state: 'alive',
    heardAt: now, // others hear it
    directAt: heard,
  }
}

/** Of a watch over so many members that were just heard and so many that are silent: those that it reports. */
function reported(heard: number, silent: number): number {
  const members = [
    ...Array.from({ length: heard }, (_, i) => member(`h${i}`, 500)),
    ...Array.from({ length: silent }, (_, i) => member(`s${i}`, 3400)),
  ]
  const watch = new Watch()
  watch.follow(new Set(members), now - 60_000)
  const found = watch.look('self', 1, { now, awakeSince: 0, members: members.length + 1 }).silent
  expect(found.every(({ id }) => id.startsWith('s'))).toBe(true)
  return found.length
}

test('whoever is silent is reported, while at most half of all are', () => {
  expect(reported(3, 1)).toBe(1)
  expect(reported(3, 3)).toBe(3)
  expect(reported(4, 4)).toBe(4)
})

test('when more than half fall silent at once and others hear them, it is rather us', () => {
  expect(reported(2, 3)).toBe(0)
  expect(reported(1, 7)).toBe(0)
})

test('one or two silent members are no reason to doubt ourselves', () => {
  expect(reported(0, 1)).toBe(1)
  expect(reported(0, 2)).toBe(2)
})
