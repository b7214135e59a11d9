// Documents for which there is no room: when people are told of them.
import { expect, test } from 'vitest'
import { Declined } from '../../src/core/replica/declined.js'
import type { SignedHead } from '../../src/core/wire/head.js'

const signed = { head: { owner: 'a', generation: 1, version: 1 } } as SignedHead
const nameOf = (owner: string): string => owner

test('that there is no room is told at once of an owner who was heard; of another once its first word had time to come', () => {
  const heard = new Declined()
  heard.note(signed, 1000, { hasWord: true }, 0)
  expect(heard.takeNews(nameOf, 0)).toMatch(/no room for the records of a/)
  const unheard = new Declined()
  unheard.note(signed, 1000, { hasWord: false }, 0)
  unheard.note(signed, 1000, { hasWord: true }, 1000) // and is asked for again
  expect(unheard.takeNews(nameOf, 5000)).toBeUndefined()
  expect(unheard.takeNews(nameOf, 10_000)).toMatch(/no room for the records of a/)
  const held = new Declined()
  held.note(signed, 1000, { hasWord: false }, 0)
  held.delete('a')
  expect(held.takeNews(nameOf, 60_000)).toBeUndefined()
})

test('of thousands some are looked at each time, and none is left out: room that came free is found for each of them', () => {
  const declined = new Declined()
  const owners = Array.from({ length: 1000 }, (_, i) => `o${i}`)
  for (const owner of owners)
    declined.note({ head: { ...signed.head, owner } } as SignedHead, 1000, { hasWord: true }, 0)
  let looked = 0
  const room = (fits: (owner: string) => boolean) => ({
    hasRoom: (owner: string) => ((looked += 1), fits(owner)),
    hasWord: () => true,
  })
  expect(
    declined.takeDue(
      room(() => false),
      100_000,
    ),
  ).toBeUndefined()
  expect(looked).toBeLessThan(owners.length / 2)
  const found = Array.from({ length: 10 }, (_, s) =>
    declined.takeDue(
      room((owner) => owner === 'o999'),
      100_000 + s,
    ),
  )
  expect(found.flatMap((one) => one?.signed.head.owner ?? [])).toEqual(['o999'])
})
