/** What somebody at a command line types and reads: ids as tables show them, guesses that are near, failures in words of commands. */
import { describe, expect, test } from 'vitest'
import { idMeant } from '../../src/cli/meant.js'
import { inWordsOfCommands } from '../../src/cli/words.js'
import { didYouMean } from '../../src/config/nearest.js'
import { otherPeer } from '../http/service.js'
import { cli, fine, onTerminal, served } from './served.js'

const made = 'inst_5d8a7f1e02b96c3d4e5f'
const ran = 'web-c90febec'
const peer = '12D3KooWD1nSVtBVBjFr3JwSZ8MPGHYQCyX4Xs9AqUU9yBVaBr5A'
const known = [made, ran, peer, 'web-1', 'web-10', 'node_yBVaBr5AqUU9']

test.each([
  [made, made],
  ['inst_5d8a', made],
  ['inst_5d8…c3d4e5f', made],
  ['inst_...4e5f', made],
  ['inst_5d8…', made],
  ['web-c90f', ran],
  ['12D3KooWD1nS', peer],
  ['12D3KooW…VaBr5A', peer],
  ['node_yBVa', 'node_yBVaBr5AqUU9'],
  ['web-1', 'web-1'],
  ['inst_5d', undefined],
  ['12D3KooWD1', undefined],
  ['web', undefined],
  ['web-2', undefined],
  ['…', undefined],
  ['', undefined],
])('%j means %j', (asked, meant) => {
  expect(idMeant(asked, known)).toBe(meant)
})

test('the beginning of an id that a person chose is no id: what is gone takes no other with it', () => {
  expect(idMeant('web-1', ['web-10'])).toBeUndefined()
  expect(idMeant('web-1…', ['web-10'])).toBe('web-10')
})

test('what may be several is refused, with all of them', () => {
  expect(() => idMeant('web-…', known)).toThrow(/web-… may be several: web-c90febec, web-1, web-10; type more/)
  expect(() => idMeant('a-0123', ['a-01234567', 'a-01239999'])).toThrow(/a-01234567, a-01239999/)
})

describe('commands that take an id', () => {
  test('take it as a table of this width shows it', async () => {
    const id = `svc-${'x'.repeat(30)}-c90febec`
    await served.service.register({ id, url: 'http://10.0.0.7:8080', slug: 'svc' })
    const [, row = ''] = await onTerminal(80, ['instances', '--id', id])
    const [shown = ''] = row.split(' ')
    expect(shown).toContain('…')
    expect(await fine('maintenance', 'on', shown)).toBe(`${id} is in maintenance: no lookup shows it\n`)
    expect(await fine('maintenance', 'off', shown)).toBe(`${id} is back in service\n`)
    expect(await fine('why', shown)).toContain(`${id}  http://10.0.0.7:8080`)
    expect(await fine('instances', '--id', shown)).toContain(id)
    expect(await fine('suspect', shown)).toMatch(new RegExp(`^${id}: `))
    expect(await cli('deregister', shown)).toMatchObject({
      ...{ code: 1, stderr: `rollcall: there is no instance ${shown}; what is removed is named whole: ${id}\n` },
    })
    expect(await fine('deregister', id)).toBe(`removed ${id}\n`)
    expect(await cli('deregister', id)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^rollcall: .*there is no instance svc-x/) as string,
    })
  })

  test('take a node as tables show it, but for one that is forgotten', async () => {
    const shown = `${otherPeer.slice(0, 6)}…${otherPeer.slice(-6)}`
    expect(await fine('instances', '--node', shown)).toBeDefined()
    expect(await cli('instances', '--node', 'dex')).toMatchObject({
      ...{ code: 1, stderr: 'rollcall: there is no node dex; did you mean def? See rollcall members\n' },
    })
    expect(await cli('force-leave', shown)).toMatchObject({
      ...{ code: 1, stderr: `rollcall: there is no node ${shown}; what is removed is named whole: ${otherPeer}\n` },
    })
  })
})

test('a terminal that says it has no columns gets tables whole', async () => {
  await served.service.register({ id: 'wide', url: `http://10.0.0.7:8080/${'x'.repeat(100)}`, slug: 'wide' })
  const lines = await onTerminal(0, ['instances', '--id', 'wide'])
  expect(lines.join('\n')).toContain(`http://10.0.0.7:8080/${'x'.repeat(100)}`)
  expect(lines.join('\n')).not.toMatch(/…|no room/)
})

test.each([
  ['jion', ['join', 'http'], '; did you mean join?'],
  ['frobnicate', ['join', 'http', 'data-dir'], ''],
  ['xyz', ['web', 'api'], ''],
  ['WEB', ['web', 'api'], '; did you mean web?'],
  ['deb', ['debug', 'error'], '; did you mean debug?'],
  ['x', [], ''],
])('for %j of %j is said %j', (name, names, words) => {
  expect(didYouMean(name, names)).toBe(words)
})

test.each([
  [
    'id: no instance "x"; see GET /registry-svc/instances for those there are; one that comes is late',
    /^there is no instance "x"; see rollcall/,
  ],
  [
    'id: no definition "x"; see GET /registry-svc/definitions; one that comes is late',
    /^there is no definition "x"; see rollcall definitions$/,
  ],
  ['GET /v1/news: there is no such call; see GET /openapi.json', /another version/],
  ['http://a:1 answered 502 to GET /v1/self', /^http:\/\/a:1 refused and did not say why/],
  ['http://a:1 is no Rollcall daemon: it answered 404 without JSON', /its answer is not one of ours$/],
  [
    'authorization: this daemon asks for a token; send the header Authorization: Bearer TOKEN',
    /asks for a token; give it with --token/,
  ],
])('%j is said in words of commands', (message, words) => {
  const said = inWordsOfCommands(message)
  expect(said).toMatch(words)
  expect(said).not.toMatch(/\b(GET|PUT|POST|DELETE)\b|\/v1|registry-svc|answered \d/)
})
