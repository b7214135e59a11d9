// Stories of D5: whoever joins many compares with one after the other, so that it is given what there is once; and believes nobody who
// only offers.
import { expect, test } from 'vitest'
import { decodeSyncRequest, decodeSyncResponse, encodeSyncResponse } from '../../../src/core/wire/sync.js'
import type { Sent } from '../wires.js'
import type { World } from '../world.js'
import { cluster, done } from './cluster.js'

const all = 'abcdefgh'

/** Four that hold what eight have defined, of whom the others are gone. @param asked is told what x asks e */
function library(asked: (question: number) => void = () => undefined): World {
  const world = cluster(all, {
    watch: ({ name }, _now, _input, effects) => {
      for (const effect of effects) if (effect.type === 'request' && effect.to === 'e' && name === 'x') asked(effect.id)
    },
  })
  for (const name of all) done(world, world.define(name, `of-${name}`))
  world.run(3000)
  for (const name of 'abcd') world.crash(name)
  world.run(10_000)
  return world
}

/** Somebody new is connected with all of them at once, first with e. */
function meet(world: World): void {
  world.start('x')
  for (const peer of 'efgh') world.wires.dial(world.machine('x'), peer)
}

function parcelsIn({ kind, bytes }: Sent): number {
  if (kind !== 'request' && kind !== 'reply') return 0
  const message = kind === 'request' ? decodeSyncRequest(bytes) : decodeSyncResponse(bytes)
  return message !== undefined && 'parcels' in message ? message.parcels.length : 0
}

test('whoever joins is given each document by one, and by its owner, not by everybody', () => {
  const world = library()
  let given = 0
  world.wires.tap = (sent) => void (given += sent.to === 'x' ? parcelsIn(sent) : 0)
  meet(world)
  world.run(5000)
  expect(given).toBeGreaterThanOrEqual(all.length)
  expect(given).toBeLessThanOrEqual(2 * all.length)
})

/**
 * How long somebody takes to join who meets one first that offers all there is, and gives nothing of it.
 * @param answer what that one says instead, again and again
 */
function joinBeside(answer: Uint8Array | undefined): number {
  const questions: number[] = []
  const world = library((question) => questions.push(question))
  world.wires.tap = ({ kind, from, to }) => !(kind === 'reply' && from === 'e' && to === 'x')
  meet(world)
  let took_ms = 0
  for (; world.machine('x').live.read.definitions().length < all.length && took_ms < 10_000; took_ms += 100) {
    for (const id of questions) if (answer !== undefined) world.feed('x', { type: 'response', id, bytes: answer })
    world.run(100)
  }
  return took_ms
}

test('whoever offers everything, and is silent, costs a joiner a second', () => {
  const took_ms = joinBeside(undefined)
  expect([took_ms >= 1000, took_ms <= 1500]).toEqual([true, true])
})

test('whoever offers everything, and goes on giving nothing, costs a joiner three', () => {
  const took_ms = joinBeside(encodeSyncResponse({ type: 'documents', parcels: [] }))
  expect([took_ms >= 3000, took_ms <= 3500]).toEqual([true, true])
})
