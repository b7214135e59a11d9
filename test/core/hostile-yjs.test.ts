// Yjs updates that no honest writer makes: each is refused before it can throw, stall, stay pending, or write for somebody else.
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { Content } from '../../src/core/document/content.js'

const client = 7

function honest(): Content {
  return Content.build([{ map: 'instances', key: 'x', value: '{"n":1}' }], client)
}

/** What a document by this client holds after some acts, as a full update. */
function madeBy(id: number, act: (doc: Y.Doc) => void, base?: Uint8Array): Uint8Array {
  const doc = new Y.Doc()
  if (base !== undefined) Y.applyUpdate(doc, base)
  doc.clientID = id
  doc.transact(() => act(doc))
  return Y.encodeStateAsUpdate(doc)
}

/** The part of it that follows the honest content. */
function stepBy(id: number, act: (doc: Y.Doc) => void): Uint8Array {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, honest().encode())
  const before = Y.encodeStateVector(doc)
  doc.clientID = id
  doc.transact(() => act(doc))
  return Y.encodeStateAsUpdate(doc, before)
}

function nested(depth: number): unknown {
  let value: unknown = 'x'
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const set = (map: string, key: string, value: unknown) => (doc: Y.Doc) => void doc.getMap(map).set(key, value)

const hostile: { what: string; act: (doc: Y.Doc) => void; by?: number }[] = [
  { what: 'another client', by: 8, act: set('instances', 'y', 'v') },
  { what: 'an unknown root', act: set('secrets', 'y', 'v') },
  { what: 'a number as value', act: set('instances', 'y', 1) },
  { what: 'an object as value', act: set('instances', 'y', { a: 1 }) },
  { what: 'null as value', act: set('instances', 'y', null) },
  { what: 'deeply nested arrays as value', act: set('instances', 'y', nested(5000)) },
  { what: 'bytes as value', act: set('instances', 'y', new Uint8Array(10)) },
  { what: 'a nested map', act: (doc) => void doc.getMap('instances').set('y', new Y.Map([['a', 'b']])) },
  { what: 'a nested array', act: (doc) => void doc.getMap('instances').set('y', new Y.Array()) },
  { what: 'a text', act: (doc) => doc.getText('instances').insert(0, 'abc') },
  { what: 'an array in place of a map', act: (doc) => doc.getArray('instances').push(['a', 'b', 'c']) },
  { what: 'a subdocument', act: (doc) => void doc.getMap('instances').set('y', new Y.Doc()) },
  { what: 'an XML fragment', act: (doc) => void doc.getXmlFragment('node').insert(0, [new Y.XmlElement('p')]) },
]

test.each(hostile)('$what is neither loaded nor applied', ({ act, by }) => {
  expect(Content.load(madeBy(by ?? client, act), client)).toBeUndefined()
  const content = honest()
  expect(content.apply(stepBy(by ?? client, act))).toBeUndefined()
})

test('an update with a gap before it is refused, not kept pending', () => {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getMap('instances').set('a', '1')
  const before = Y.encodeStateVector(doc)
  doc.getMap('instances').set('b', '2')
  const late = Y.encodeStateAsUpdate(doc, before)
  expect(Content.load(late, client)).toBeUndefined()
  const content = Content.build([], client)
  expect(content.apply(late)).toBeUndefined()
})

test('deletions of what nobody wrote are refused', () => {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getMap('instances').set('a', '1')
  doc.getMap('instances').set('b', '2')
  const before = Y.encodeStateVector(doc)
  doc.getMap('instances').delete('b')
  const deletions = Y.encodeStateAsUpdate(doc, before)
  expect(Content.build([], client).apply(deletions)).toBeUndefined()
  const other = new Y.Doc()
  other.clientID = 9
  other.getMap('instances').set('a', '1')
  other.getMap('instances').delete('a')
  expect(honest().apply(Y.encodeStateAsUpdate(other))).toBeUndefined()
})

test('an update in the second format of Yjs is not read as one in the first', () => {
  const doc = new Y.Doc()
  doc.clientID = client
  for (let i = 0; i < 20; i++) doc.getMap('instances').set(`k${i}`, 'v')
  const read = Content.load(Y.encodeStateAsUpdateV2(doc), client)
  expect([...(read?.entries() ?? [])]).toEqual([]) // Yjs reads its first bytes as an empty update
})

test('collected and skipped structs are refused', () => {
  const doc = new Y.Doc()
  doc.clientID = client
  const inner = new Y.Map<string>()
  doc.getMap('instances').set('a', inner)
  inner.set('b', 'c')
  doc.getMap('instances').delete('a')
  expect(Content.load(Y.encodeStateAsUpdate(doc), client)).toBeUndefined() // holds a GC struct
  doc.getMap('instances').set('d', 'e')
  const updates = [Y.encodeStateAsUpdate(doc)]
  const far = new Y.Doc()
  far.clientID = client
  for (let i = 0; i < 9; i++) far.getMap('instances').set(`k${i}`, 'v')
  const vector = new Map([[client, 8]])
  updates.push(Y.encodeStateAsUpdate(far, Y.encodeStateVector(vector as never)))
  expect(Content.load(Y.mergeUpdates(updates), client)).toBeUndefined() // holds a Skip struct
})

test('two items that both follow the same one, or both begin a key, are refused', () => {
  const one = new Y.Doc()
  one.clientID = client
  one.getMap('instances').set('a', '1')
  const base = Y.encodeStateAsUpdate(one)
  const follow = (value: string, times: number): Uint8Array => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, base)
    doc.clientID = client
    for (let i = 0; i < times; i++) doc.getMap('instances').set(i === 0 ? 'a' : `z${i}`, value)
    return Y.encodeStateAsUpdate(doc)
  }
  const content = Content.load(follow('2', 1), client) as Content
  expect(content).toBeDefined()
  // the same client's other future: begins where this one began
  const fork = Y.diffUpdate(follow('3', 2), Y.encodeStateVector(new Map([[client, 1]]) as never))
  expect(content.apply(fork)).toBeUndefined()
})

test('many structs in a chain take linear time, and claims of many take none', () => {
  const doc = new Y.Doc({ gc: false })
  doc.clientID = client
  for (let i = 0; i < 20_000; i++) doc.getMap('instances').set('a', `${i}`)
  const begun = performance.now()
  Content.load(Y.encodeStateAsUpdate(doc), client)
  expect(performance.now() - begun).toBeLessThan(1500)
  const claim = Uint8Array.from([0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, client, 0x00])
  const again = performance.now()
  expect(Content.load(claim, client)).toBeUndefined()
  expect(Content.load(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x0f]), client)).toBeUndefined()
  expect(Content.load(Uint8Array.from([0x00, 0x01, client, 0xff, 0xff, 0xff, 0xff, 0x0f]), client)).toBeUndefined()
  expect(performance.now() - again).toBeLessThan(100)
})

test('a struct of enormous length is refused', () => {
  // one deleted item of 2^40 clocks, parent 'instances', key 'a'
  const length = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20]
  const bytes = Uint8Array.from([1, 1, client, 0, 0x21, 1, 9, ...Buffer.from('instances'), 1, 97, ...length, 0])
  const begun = performance.now()
  expect(Content.load(bytes, client)).toBeUndefined()
  expect(performance.now() - begun).toBeLessThan(100)
})

test('an honest overwrite and delete are taken, and tell what they touched', () => {
  const content = honest()
  const writer = honest()
  const update = writer.write([
    { map: 'instances', key: 'x', before: '{"n":1}', after: '{"n":2}' },
    { map: 'definitions', key: 'd', after: '{}' },
  ])
  expect(content.apply(update)).toEqual([
    { map: 'instances', key: 'x', value: '{"n":2}' },
    { map: 'definitions', key: 'd', value: '{}' },
  ])
  const gone = writer.write([{ map: 'instances', key: 'x', before: '{"n":2}' }])
  expect(content.apply(gone)).toEqual([{ map: 'instances', key: 'x', value: undefined }])
  expect(Buffer.from(content.encode())).toEqual(Buffer.from(writer.encode()))
})

test.each([
  ['twice', [0, 2, 0, 2]],
  ['overlapping', [0, 2, 1, 1]],
  ['from the last to the first', [1, 1, 0, 1]],
])('what is deleted %s is refused: to look at all of it again and again takes minutes', (_, ranges) => {
  const content = Content.build(
    ['a', 'b'].map((key) => ({ map: 'instances' as const, key, value: '1' })),
    client,
  )
  const [structs] = [content.encode().subarray(0, -1)] // what follows is the number of clients of whom something is deleted
  const deleted = [1, client, ranges.length / 2, ...ranges]
  expect(content.apply(Uint8Array.from([0, ...deleted]))).toBeUndefined()
  expect(Content.load(Uint8Array.from([...structs, ...deleted]), client)).toBeUndefined()
  const inOrder = Uint8Array.from([...structs, 1, client, 2, 0, 1, 1, 1])
  expect(Content.load(inOrder, client)?.structs).toBeGreaterThan(0)
})
