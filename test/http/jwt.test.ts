/** Tokens that somebody else has signed: only what verifies counts, and the slug that it names is the only one it may register. */
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PublicJwk } from '../../src/config/keys.js'
import type { JwtRules } from '../../src/config/tokens.js'
import { expectFailure, put } from './contract/asking.js'
import { request, sendRaw, type RawAnswer } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const [first, second] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('ed25519')
const jwk = (key: KeyObject, rest: object = {}): PublicJwk =>
  ({ ...key.export({ format: 'jwk' }), ...rest }) as PublicJwk

const rules: JwtRules = {
  keys: [
    jwk(rsa.publicKey, { kid: 'rsa-1', alg: 'RS256' }),
    jwk(first.publicKey),
    jwk(second.publicKey),
    jwk(ec.publicKey, { kid: 'ec-1' }),
  ],
  issuer: 'https://issuer.test',
  audience: 'rollcall',
  may: 'write',
}

interface Making {
  readonly alg?: string
  readonly kid?: string
  readonly key?: KeyObject
  readonly claims?: Record<string, unknown>
}

const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600
const standing = (): Record<string, unknown> => ({
  iss: 'https://issuer.test',
  aud: 'rollcall',
  sub: 'usr_1',
  exp: inAnHour(),
})

function make({ alg = 'EdDSA', kid, key = first.privateKey, claims = {} }: Making = {}): Promise<string> {
  const header = kid === undefined ? { alg } : { alg, kid }
  return new SignJWT({ ...standing(), ...claims }).setProtectedHeader(header).sign(key)
}

let served: MemoryServer
const ask = (bytes: string): Promise<RawAnswer> => sendRaw(served.url, bytes)
beforeAll(async () => {
  served = await serveMemory({ credentials: { tokens: [], jwt: rules } })
})
afterAll(() => served.stop())

const self = (token: string): Promise<RawAnswer> => ask(request('GET /v1/self', [`Authorization: Bearer ${token}`]))

describe('a token is let in', () => {
  test.each<[string, Making]>([
    ['by the first key of its kind', {}],
    ['by the second key of its kind', { key: second.privateKey }],
    ['by a key without an id, whatever id it names', { kid: 'made-up' }],
    ['by its key id', { alg: 'RS256', kid: 'rsa-1', key: rsa.privateKey }],
    ['without a key id, by a key that has one', { alg: 'ES256', key: ec.privateKey }],
  ])('%s', async (_name, making) => expect((await self(await make(making))).status).toBe(200))

  test('a little after its end, as clocks differ, and not long after', async () => {
    const now = Math.floor(Date.now() / 1000)
    expect((await self(await make({ claims: { exp: now - 5 } }))).status).toBe(200)
    expectFailure(await self(await make({ claims: { exp: now - 120 } })), 401, /it has expired/)
  })
})

test('a token without an end is let in where that is allowed', async () => {
  const lenient = await serveMemory({ credentials: { tokens: [], jwt: { ...rules, allowWithoutExp: true } } })
  const token = await make({ claims: { exp: undefined } })
  expect((await sendRaw(lenient.url, request('GET /v1/self', [`Authorization: Bearer ${token}`]))).status).toBe(200)
  await lenient.stop()
})

describe('a token is refused', () => {
  test.each<[string, Making, RegExp]>([
    ['of another key', { key: stranger.privateKey }, /signature/],
    ['of another issuer', { claims: { iss: 'https://evil.test' } }, /claim iss/],
    ['for another audience', { claims: { aud: 'other' } }, /claim aud/],
    ['without an issuer', { claims: { iss: undefined } }, /claim iss/],
    ['without an end', { claims: { exp: undefined } }, /has no end .*allowWithoutExp/],
    ['that is not valid yet', { claims: { nbf: inAnHour() } }, /claim nbf/],
    [
      'of an algorithm that its key is not for',
      { alg: 'PS256', kid: 'rsa-1', key: rsa.privateKey },
      /no configured key/,
    ],
  ])('%s', async (_name, making, words) => {
    const answer = await self(await make(making))
    expectFailure(answer, 401, words)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
  })

  test('unsigned, whatever it claims', async () => {
    const none = new UnsecuredJWT(standing()).encode()
    expectFailure(await self(none), 401, /algorithm|no configured key|cannot be read/)
    const signed = (await make()).split('.')
    const header = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const token of [
      `${header}.${signed[1]}.`,
      `${header}.${signed[1]}.${signed[2]}`,
      `${signed[0]}.${signed[1]}.`,
    ]) {
      expect((await self(token)).status).toBe(401)
    }
  })

  test('signed with a public key as if it were a secret', async () => {
    const content = ['{"alg":"HS256","kid":"rsa-1"}', JSON.stringify(standing())]
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.')
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const secret of [pem, pem.trim(), JSON.stringify(await exportJWK(rsa.publicKey))]) {
      const signature = createHmac('sha256', secret).update(content).digest('base64url')
      expectFailure(await self(`${content}.${signature}`), 401, /algorithm|no configured key/)
    }
  })

  test('altered by a single character, or torn', async () => {
    const token = await make({ claims: { slu: 'web' } })
    const [header, claims, signature] = token.split('.') as [string, string, string]
    const other = Buffer.from(JSON.stringify({ ...standing(), slu: 'payments' })).toString('base64url')
    for (const wrong of [
      `${header}.${other}.${signature}`,
      `${header}.${claims}.AAAA`,
      `${header}.${claims}`,
      `${token}.x`,
    ]) {
      expect((await self(wrong)).status).toBe(401)
    }
  })
})

describe('its slug', () => {
  const register = async (claims: Record<string, unknown>, fields: object): Promise<RawAnswer> =>
    ask(put({ url: 'http://j.test', ...fields }, [`Authorization: ${await make({ claims })}`]))
  const slugOf = async (id: string): Promise<unknown> => {
    const { body } = await ask(request(`GET /registry-svc/instances?id=${id}`, [`Authorization: ${await make()}`]))
    return (JSON.parse(body) as { instances: { slug?: string }[] }).instances[0]?.slug
  }

  test.each([['slu'], ['olu'], ['1sl']])('is what the claim %s says', async (claim) => {
    expect((await register({ [claim]: 'web' }, { id: `j-${claim}` })).status).toBe(201)
    expect(await slugOf(`j-${claim}`)).toBe('web')
  })

  test('is the only one that it may register', async () => {
    expect((await register({ slu: 'web' }, { id: 'j-same', slug: 'web' })).status).toBe(201)
    const words = /slug: token ."usr_1." may neither register nor change ."payments."; it may: web/
    expectFailure(await register({ slu: 'web' }, { id: 'j-other', slug: 'payments' }), 403, words)
  })

  test('where there is none, its instances have none', async () => {
    expect((await register({}, { id: 'j-none' })).status).toBe(201)
    expect(await slugOf('j-none')).toBeUndefined()
    expectFailure(
      await register({}, { id: 'j-none', slug: 'web' }),
      403,
      /may neither register nor change ."web."; it may: none/,
    )
  })

  test('that is no slug is refused', async () => {
    expectFailure(await register({ slu: 'not a slug' }, { id: 'j-bad' }), 400, /claim slu of the token/)
  })
})

test('JWTs may write, unless the file says otherwise', async () => {
  const headers = [`Authorization: Bearer ${await make()}`]
  expect((await ask(request('DELETE /registry-svc/node/x', headers))).status).toBe(403)
  const readers = await serveMemory({ credentials: { tokens: [], jwt: { ...rules, may: 'read' } } })
  const answer = await sendRaw(readers.url, put({ url: 'http://x.test' }, headers))
  await readers.stop()
  expectFailure(answer, 403, /token ."usr_1." may read, and this call needs write/)
})
