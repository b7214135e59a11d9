// Whatever is registered or saved by a command can be found, shown and removed by one; an id that looks like an option stands after `--`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { oddIds, pathSteps } from '../http/ids.js'
import { cli, dir, fine, served } from './served.js'

test.each(oddIds)('%j', async (id) => {
  await fine('register', '--url', 'http://a.test', `--id=${id}`, '--slug', 'ids')
  expect(JSON.parse(await fine('instances', `--id=${id}`, '--json'))).toMatchObject({ instances: [{ id }] })
  expect(JSON.parse(await fine('why', '--json', '--', id))).toMatchObject({ records: [{ record: { id } }] })
  await fine('deregister', '--', id)
  expect(JSON.parse(await fine('instances', `--id=${id}`, '--json'))).toEqual({ instances: [] })
  const file = join(dir, 'definition.json')
  writeFileSync(file, JSON.stringify({ id }))
  await fine('definitions', 'save', file)
  expect(JSON.parse(await fine('definitions', 'show', '--', id))).toEqual({ id })
  await fine('definitions', 'remove', '--', id)
  expect(JSON.parse(await fine('definitions', '--json'))).toEqual({ definitions: [] })
})

test.each(pathSteps)('%j is refused for a new one, and a record of an earlier version is removed', async (id) => {
  expect(await cli('register', '--url', 'http://a.test', '--id', id)).toMatchObject({
    ...{ code: 2, stderr: expect.stringMatching(/^rollcall: id: .*choose another/) as unknown },
  })
  await served.service.register({ id, url: 'http://a.test' })
  await served.service.saveDefinition({ id })
  expect(await fine('definitions', 'show', id)).toContain(JSON.stringify(id))
  await fine('deregister', id)
  await fine('definitions', 'remove', id)
  expect(JSON.parse(await fine('instances', '--json'))).toEqual({ instances: [] })
})
