/** A check has a short form and a long one; a record carries it as short as it can be said. */
import { describe, expect, test } from 'vitest'
import { checkInWords, parseCheck, readCheck } from '../../src/core/model/check.js'

describe('what a caller says', () => {
  test.each([
    ['tcp', 'tcp'],
    ['http:/healthz', 'http:/healthz'],
    ['reported', 'reported'],
    [{}, 'tcp'],
    [{ tcp: true }, 'tcp'],
    [{ none: {} }, 'none'],
    [{ tcp: {}, interval: '5s' }, 'tcp'],
    [{ interval: 2000 }, { tcp: {}, interval: '2s' }],
    [{ http: {} }, { http: {} }],
    [{ http: { path: '/', method: 'head' } }, { http: { path: '/', method: 'HEAD' } }],
    [{ http: { statuses: ['200-200', '404'] } }, { http: { statuses: ['200', '404'] } }],
    [{ grpc: { service: '' } }, { grpc: {} }],
    [
      { http: {}, tls: { verify: false, serverName: 'a.test' } },
      { http: {}, tls: { verify: false, serverName: 'a.test' } },
    ],
    [
      { tcp: {}, failureThreshold: 1, successThreshold: 3, keepOpen: false },
      { tcp: {}, successThreshold: 3 },
    ],
  ])('%j is carried as %j', (said, form) => {
    expect(parseCheck(said, 'check')).toEqual({ form })
    expect(parseCheck(form, 'check', 'record')).toEqual({ form })
  })

  test('the values of headers stay beside it, their names are carried', () => {
    const said = { http: { headers: { Authorization: 'Bearer x', Accept: 'text/plain' } } }
    const form = { http: { headers: ['accept', 'authorization'] } }
    expect(parseCheck(said, 'check')).toEqual({
      form,
      headers: { authorization: 'Bearer x', accept: 'text/plain' },
    })
    expect(readCheck(form)?.question).toMatchObject({ type: 'http', headers: ['accept', 'authorization'] })
  })

  test.each([
    ['grpc:health', /^check: "grpc:health" is not a check; give tcp/],
    [7, /^check: must be tcp, http:\/path/],
    [{ tcp: {}, http: {} }, /^check: says tcp and http; one instance is checked in one way/],
    [{ intervall: '5s' }, /^check\.intervall: there is no such field; there are tcp/],
    [{ interval: '1ms' }, /^check\.interval: must be from 500ms to 1h, and is 1ms/],
    [{ interval: 'soon' }, /^check\.interval: "soon" is not a duration; give such as 500ms, 5s or 1m/],
    [{ timeout: '2h' }, /^check\.timeout: must be from 50ms to 1m/],
    [{ successThreshold: 0 }, /^check\.successThreshold: must be a whole number from 1 to 10/],
    [{ http: { path: 'x' } }, /^check\.http\.path: "x" is not a path/],
    [{ http: { path: '//evil.test/' } }, /^check\.http\.path/],
    [{ http: { method: 'POST' } }, /^check\.http\.method: "POST" may change something; a check is GET or HEAD/],
    [{ http: { statuses: ['300-200'] } }, /^check\.http\.statuses: "300-200" is neither 200 nor 200-399/],
    [{ http: { statuses: [{ toString: 1 }] } }, /^check\.http\.statuses: an object is neither 200/],
    [{ http: { statuses: [['200']] } }, /^check\.http\.statuses: a list is neither 200/],
    [{ http: { headers: { Host: 'a' } } }, /^check\.http\.headers\.host: is not for a check to say/],
    [{ http: { headers: { 'Metadata-Flavor': 'Google' } } }, /^check\.http\.headers\.metadata-flavor/],
    [
      { http: { headers: { 'X-Google-METADATA-Request': 'True' } } },
      /^check\.http\.headers\.x-google-metadata-request/,
    ],
    [{ http: { headers: { 'X-HTTP-Method-Override': 'DELETE' } } }, /^check\.http\.headers\.x-http-method-override/],
    [{ http: { headers: { a: 'x\r\nHost: b' } } }, /^check\.http\.headers\.a: must be one line of Latin-1 text/],
    [{ http: { headers: ['a'] } }, /^check\.http\.headers: must be an object/],
    [{ http: {}, tls: { verify: 'no' } }, /^check\.tls\.verify: must be true or false/],
    [{ keepOpen: 'yes' }, /^check\.keepOpen: must be true or false/],
  ])('%j is refused by name', (said, message) => {
    expect(() => parseCheck(said, 'check')).toThrow(message)
  })
})

test('what is left to us is filled in', () => {
  expect(readCheck('https:/healthz')).toMatchObject({
    question: { type: 'http', path: '/healthz', method: 'GET', headers: [] },
    secure: true,
    interval_ms: 5000,
    timeout_ms: 3000,
    failureThreshold: 1,
    successThreshold: 1,
    keepOpen: false,
  })
  expect(readCheck({ http: {}, interval: '1m' })).toMatchObject({ secure: 'as its url says', interval_ms: 60_000 })
  expect(readCheck({ carrierPigeon: {} })).toBeUndefined()
})

test('a table shows one line', () => {
  expect(checkInWords('http:/healthz')).toBe('http:/healthz')
  expect(checkInWords({ http: { path: '/a' }, interval: '2s', keepOpen: true })).toBe(
    'http(path=/a) interval=2s keepOpen=true',
  )
})
