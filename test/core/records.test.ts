// What a node has said itself: however it came to say it, it is read as the text says it that goes to disk, and to all others.
import { expect, test } from 'vitest'
import { Entries, differences, mapNames } from '../../src/core/document/entries.js'
import { readEntry } from '../../src/core/records/kinds.js'
import { Records } from '../../src/core/records/records.js'
import { Signatures } from '../../src/core/wire/head.js'
import { cheapCrypto } from '../sim/crypto.js'

const self = 'me'
const crypto = cheapCrypto(self)
const record = { id: 'i', url: 'http://10.0.0.1:80', n: 1, status: 'Unknown' } as const

function demandAgreement(records: Records): void {
  for (const map of mapNames)
    for (const key of ['i', 'j', 'self', 'd'])
      expect(records.own(map, key), `${map}/${key}`).toEqual(readEntry(map, key, records.text(map, key)))
}

test('an own entry is what its text says: staged, written, gone, from another document, or unreadable', () => {
  const base = new Entries(crypto.hash)
  const records = new Records(self, base, new Signatures(crypto))
  demandAgreement(records)
  records.stage('node', 'self', { id: 'n', url: 'http://n', addresses: [] })
  records.stage('instances', 'i', record)
  records.stage('removals', 'j', { n: 3, at: 1 })
  demandAgreement(records)
  expect(records.own('instances', 'i')).toMatchObject({ n: 1, status: 'Unknown' })
  base.apply(records.takeStaged())
  demandAgreement(records)
  records.stage('instances', 'i', { ...record, status: 'Healthy' })
  records.stage('removals', 'j', undefined)
  demandAgreement(records)
  expect(records.own('instances', 'i')?.status).toBe('Healthy')
  base.apply(records.takeStaged())
  const other = new Entries(crypto.hash)
  other.set('instances', 'j', '{"n":2,"status":"Healthy","url":"http://10.0.0.2:80"}')
  other.set('instances', 'i', '{"n":0}')
  records.rebase(other, differences(records.ownEntries(), other))
  demandAgreement(records)
  expect([records.own('instances', 'i'), records.own('instances', 'j')?.n]).toEqual([undefined, 2])
})
