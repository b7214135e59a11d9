// What was written since a version of the own document: from what stood there before, whoever has seen what, as far back as it is kept.
import { expect, test } from 'vitest'
import { type Change, type EntryMaps, changeOf } from '../../src/core/document/entries.js'
import { Written } from '../../src/core/own/written.js'

type Texts = Readonly<Record<string, string>>

function entries(texts: Texts): EntryMaps {
  const instances = new Map(Object.entries(texts))
  return { of: (map) => (map === 'instances' ? instances : new Map()) }
}

function changes(from: Texts, to: Texts): Change[] {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])]
  return keys.filter((key) => from[key] !== to[key]).map((key) => changeOf('instances', key, from[key], to[key]))
}

/** A document that goes through these, a version each from 1 on. */
class Told {
  readonly written = new Written()
  #version = 0
  #now: Texts = {}

  to(now: Texts): this {
    this.written.note((this.#version += 1), changes(this.#now, now))
    this.#now = now
    return this
  }

  /** Another document is taken over, and what of ours is written again over it. */
  over(beneath: Texts, over: Texts, now = over): this {
    const at = { generation: 1, version: 100 + this.#version, boot: 'b'.repeat(16) }
    const takenOver = { at, beneath: entries(beneath), over: entries(over) }
    this.written.note((this.#version += 1), changes(this.#now, now), takenOver)
    this.#now = now
    return this
  }

  /** `x: before→after`, what was written since. */
  since(version: number, staged: Texts = this.#now): string {
    const found = this.written.since(version, entries(staged), changes(this.#now, staged))
    const texts = found.map(({ key, before, after }) => `${key}: ${before ?? ''}→${after ?? ''}`)
    return texts.sort().join(', ')
  }
}

test('what was written since a version is told from what stood in it, however often it was changed since', () => {
  const told = new Told().to({ x: '1', y: '1' }).to({ x: '2', y: '1' }).to({ x: '3' }).to({ x: '3', z: '1' })
  expect([1, 2, 3, 4].map((version) => told.since(version))).toEqual([
    'x: 1→3, y: 1→, z: →1',
    'x: 2→3, y: 1→, z: →1',
    'z: →1',
    '',
  ])
  expect(told.since(3, { x: '4' })).toBe('x: 3→4')
})

test('what is as it was, or came and went, was not written', () => {
  const told = new Told().to({ x: '1' }).to({ x: '2', y: '1' }).to({ x: '1' })
  expect(told.since(1)).toBe('')
  expect(told.since(2)).toBe('x: 2→1, y: 1→')
})

test('what is taken over was not written here, nor what stood there before that', () => {
  const told = new Told().to({ x: '1', y: '1' }).to({ x: '2', y: '1' }).over({ x: '9', z: '9' }, { x: '9', z: '9' })
  expect([1, 2].map((version) => told.since(version))).toEqual(['', ''])
})

test('what of ours stays over what is taken over is as old as it was, whatever number it gets, and is told from what is beneath', () => {
  const told = new Told().to({}).to({ x: '1' }).to({ x: '1', y: '1' })
  told.over({ y: '9' }, { x: '7', y: '1' })
  expect([1, 2, 3].map((version) => told.since(version))).toEqual(['x: →7, y: 9→1', 'y: 9→1', ''])
  told.to({ x: '8', y: '1' })
  expect([2, 3, 4].map((version) => told.since(version))).toEqual(['x: →8, y: 9→1', 'x: →8', 'x: 7→8'])
})

test('what is written together with what is taken over, and after it, is new', () => {
  const told = new Told().to({ x: '1' }).over({ x: '9' }, { x: '9' }, { x: '9', y: '1' }).to({ x: '10', y: '1' })
  expect([1, 2].map((version) => told.since(version))).toEqual(['x: 9→10, y: →1', 'x: 9→10'])
})

test('of two documents that were taken over the last one is beneath, and what the one ended the other does not bring back', () => {
  const told = new Told().to({}).to({ x: '1', y: '1' })
  told.over({ v: '8' }, { v: '8', x: '1', y: '1' }).over({ x: '9', v: '9' }, { x: '1', v: '9' })
  expect([1, 2, 3].map((version) => told.since(version))).toEqual(['x: 9→1', '', ''])
  expect([1, 3, 4].map((version) => told.written.takenOverSince(version)?.map(({ version: at }) => at))).toEqual([
    [102, 103],
    [103],
    [],
  ])
})

test('versions of before the first one, or of before what is forgotten, are not known', () => {
  const told = new Told().to({})
  expect([0, 1].map((version) => told.written.has(version))).toEqual([false, true])
  const much = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, '1']))
  told.to(much).to({}).to(much)
  expect([1, 2, 3].map((version) => told.written.takenOverSince(version))).toEqual([undefined, [], []])
  expect(told.written.has(1)).toBe(true)
  expect(told.since(3).split(', ')).toHaveLength(2000)
  told.written.clear()
  expect(told.written.has(4)).toBe(false)
})

test('what is kept of long texts is bounded, too', () => {
  const told = new Told().to({ x: 'x'.repeat(1_500_000) })
  told.to({ x: 'y'.repeat(1_500_000) }).to({ x: 'z' })
  expect([1, 2].map((version) => told.written.takenOverSince(version))).toEqual([undefined, []])
})
