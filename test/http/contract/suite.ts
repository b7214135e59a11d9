/**
 * What a caller may rely on, whatever stands behind the server: to be run against the service in memory and against a daemon.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Documented, readDocument } from '../documented.js'
import { sendRaw } from '../raw.js'
import type { Ask } from './asking.js'
import { clientTests } from './clients.js'
import { definitionTests } from './definitions.js'
import { echoTests } from './echo.js'
import { faultTests } from './faults.js'
import { filterTests } from './filters.js'
import { instanceTests } from './instances.js'
import { nodeTests } from './nodes.js'
import { ownTests } from './own.js'
import { slugTests } from './slugs.js'

export interface ServedDaemon {
  readonly url: string
  stop(): Promise<void>
}

/** The server is shared by the tests of the suite; each uses ids and slugs of its own. */
export function contractSuite(name: string, start: () => Promise<ServedDaemon>): void {
  describe(name, () => {
    let served: ServedDaemon
    let documented: Documented
    /** Whatever is asked, the answer has to be one that the OpenAPI document of this server promises. */
    const ask: Ask = async (bytes) => {
      const answer = await sendRaw(served.url, bytes)
      expect(documented.complaints(bytes.slice(0, bytes.indexOf(' HTTP')), answer)).toEqual([])
      return answer
    }
    beforeAll(async () => {
      served = await start()
      documented = new Documented(await readDocument(served.url))
    })
    afterAll(() => served.stop())
    describe('instances', () => instanceTests(ask))
    describe('filters', () => filterTests(ask))
    describe('slugs', () => slugTests(ask))
    describe('definitions', () => definitionTests(ask))
    describe('nodes', () => nodeTests(ask))
    describe('echo', () => echoTests(ask))
    describe('published clients', () => clientTests(ask))
    describe('own endpoints', () => ownTests(ask, () => served.url))
    describe('faults of the caller', () => faultTests(ask))
  })
}
