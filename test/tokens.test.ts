/** The file of credentials: what it may hold, and how a wrong one is told, by file, entry and field, without its secrets. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseConfig } from '../src/config.js'
import { readTokens } from '../src/config/tokens.js'

const dir = mkdtempSync(join(tmpdir(), 'rollcall-tokens-'))
afterAll(() => rmSync(dir, { recursive: true }))

let files = 0
function write(content: string | object, mode = 0o600): string {
  const file = join(dir, `tokens-${(files += 1)}`)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  chmodSync(file, mode)
  return file
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
const pem = (type: 'spki' | 'pkcs1' = 'spki', bits = 2048): string =>
  generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ type, format: 'pem' }).toString()
const ed25519 = generateKeyPairSync('ed25519')
const edPem = ed25519.publicKey.export({ type: 'spki', format: 'pem' }).toString()

describe('what the file may hold', () => {
  test('tokens as they are or by their hash, in YAML, with slugs and permissions', () => {
    const file = write(`
# who may do what
tokens:
  - name: ci
    token: s3cret-of-ci
    may: write
    slugs: [team-a/*, web]
  - { name: web, sha256: ${sha256('s3cret-of-web').toString('hex')}, may: write, slug: web }
  - { name: ops, token: "12345", may: admin }
`)
    const { tokens, jwt } = readTokens(file)
    expect(jwt).toBeUndefined()
    expect(tokens.map(({ sha256: hash, ...rest }) => ({ ...rest, hash: Buffer.from(hash).toString('hex') }))).toEqual([
      { name: 'ci', may: 'write', slugs: ['team-a/*', 'web'], hash: sha256('s3cret-of-ci').toString('hex') },
      { name: 'web', may: 'write', slug: 'web', slugs: ['web'], hash: sha256('s3cret-of-web').toString('hex') },
      { name: 'ops', may: 'admin', hash: sha256('12345').toString('hex') },
    ])
  })

  test('the same in JSON', () => {
    const file = write({ tokens: [{ name: 'a', token: 'x', may: 'read' }] })
    expect(readTokens(file).tokens).toMatchObject([{ name: 'a', may: 'read' }])
  })

  test('a slug of its own and patterns: it may register both', () => {
    const file = write({ tokens: [{ name: 'a', token: 'x', may: 'write', slug: 'web', slugs: ['api-*'] }] })
    expect(readTokens(file).tokens[0]).toMatchObject({ slug: 'web', slugs: ['web', 'api-*'] })
  })

  test('keys: PEM and JWKS, as files beside it or inline, several in one', () => {
    writeFileSync(join(dir, 'both.pem'), pem() + edPem)
    writeFileSync(
      join(dir, 'jwks.json'),
      JSON.stringify({ keys: [{ ...ed25519.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'EdDSA' }] }),
    )
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    const keys = ['both.pem', join(dir, 'jwks.json'), edPem, JSON.stringify(ec), { keys: [ec] }, ec]
    const { jwt } = readTokens(write({ jwt: { keys, issuer: 'https://issuer.test', audience: 'rollcall' } }))
    expect(jwt).toMatchObject({ issuer: 'https://issuer.test', audience: 'rollcall', may: 'write' })
    expect(jwt?.keys.map(({ kty, crv, kid }) => [kty, crv, kid])).toEqual([
      ['RSA', undefined, undefined],
      ['OKP', 'Ed25519', undefined],
      ['OKP', 'Ed25519', 'k1'],
      ['OKP', 'Ed25519', undefined],
      ...Array.from({ length: 3 }, () => ['EC', 'P-256', undefined]),
    ])
  })

  test('as an option of the daemon it lets HTTP leave loopback', () => {
    const file = write({ tokens: [{ name: 'a', token: 'x', may: 'read' }] })
    for (const sources of [
      { flags: { tokens: file }, env: {} },
      { flags: {}, env: { ROLLCALL_TOKENS: file } },
    ]) {
      const flags = { ...sources.flags, http: '0.0.0.0:58231' }
      expect(parseConfig({ ...sources, flags })).toMatchObject({
        insecureHttp: false,
        tokens: { tokens: [{ name: 'a' }] },
      })
    }
    expect(() => parseConfig({ flags: { http: '0.0.0.0:58231' }, env: {} })).toThrow(/--tokens \(ROLLCALL_TOKENS\)/)
  })
})

const entry = { name: 'ci', token: 'the-secret', may: 'write' }
const one = (fields: object): object => ({
  tokens: [
    { ...entry, name: 'first', token: 'other-secret' },
    { ...entry, ...fields },
  ],
})

/** A list of ten references to the one named by the letter before. */
function referring(letter: string): string {
  const before = String.fromCharCode(letter.charCodeAt(0) - 1)
  return `${letter}: &${letter} [${Array(10).fill(`*${before}`).join(', ')}]`
}

describe('what is wrong is told by file, entry and field', () => {
  const privateKey = ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const bomb = ['a: &a [the-secret]', ...'bcdefghi'.split('').map(referring)].join('\n')
  const cases: readonly [string, string | object, RegExp][] = [
    ['no file content', '', /the file: must be a map of fields/],
    ['a list', '[1]', /the file: must be a map of fields, not a list/],
    ['neither tokens nor keys', {}, /neither tokens nor jwt/],
    ['an unknown section', { tokns: [] }, /tokns: there is no such field; did you mean tokens\?/],
    ['no YAML', 'tokens:\n  - {the-secret', /line \d+: not YAML or JSON/],
    ['two of one name', 'tokens: []\ntokens: []\n', /line 2: not YAML or JSON \(duplicate key\)/],
    ['a second document', 'tokens: []\n---\n- the-secret\n', /line [23]: a second document begins; give one/],
    ['a second document that is wrong', 'tokens: []\n---\n- {the-secret', /line \d: not YAML or JSON/],
    ['references without end', bomb, /has more references in it than a file of tokens needs/],
    ['tokens that are no list', { tokens: {} }, /tokens: must be a list/],
    ['an entry that is text', { tokens: ['the-secret'] }, /tokens\[0\]: must be a map of fields, not a string/],
    ['no name', one({ name: undefined }), /tokens\[1\]\.name: missing/],
    ['a misspelled field', one({ slugss: [] }), /tokens\[1\] \(ci\)\.slugss: .*did you mean slugs\?/],
    ['a permission that does not exist', one({ may: 'wirte' }), /tokens\[1\] \(ci\)\.may: .*did you mean write\?/],
    ['no permission', one({ may: undefined }), /tokens\[1\] \(ci\)\.may: missing; must be one of read, write, admin/],
    ['a token that is a number', one({ token: 12_345 }), /tokens\[1\] \(ci\)\.token: must be text.*quotes/],
    ['a token with a space', one({ token: 'the secret' }), /tokens\[1\] \(ci\)\.token: .*printable ASCII/],
    ['token and hash', one({ sha256: '00' }), /tokens\[1\] \(ci\): give either token, or sha256/],
    ['neither of them', one({ token: undefined }), /tokens\[1\] \(ci\): give either token, or sha256/],
    ['a short hash', one({ token: undefined, sha256: 'abc' }), /tokens\[1\] \(ci\)\.sha256: must be 64 hex/],
    ['a slug that is none', one({ slug: 'a b' }), /tokens\[1\] \(ci\)\.slug: .*not a slug/],
    ['patterns that are none', one({ slugs: ['a b'] }), /tokens\[1\] \(ci\)\.slugs: must be a list/],
    ['the name of another', one({ name: 'first' }), /tokens\[1\] \(first\)\.name: tokens\[0\] has it already/],
    [
      'the token of another',
      one({ token: 'other-secret' }),
      /tokens\[1\] \(ci\)\.token: the same as that of tokens\[0\]/,
    ],
    ['no keys', { jwt: {} }, /jwt\.keys: must be a list/],
    [
      'a key file that is not there',
      { jwt: { keys: ['nowhere.pem'] } },
      /jwt\.keys\[0\]: cannot read .*nowhere\.pem \(ENOENT\)/,
    ],
    ['a private key', { jwt: { keys: [edPem, privateKey] } }, /jwt\.keys\[1\]: holds a private key/],
    [
      'a private JWK',
      { jwt: { keys: [ed25519.privateKey.export({ format: 'jwk' })] } },
      /jwt\.keys\[0\]: holds a private key/,
    ],
    ['a shared secret', { jwt: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, /jwt\.keys\[0\]: a shared secret .* refused/],
    ['a short RSA key', { jwt: { keys: [pem('spki', 1024)] } }, /jwt\.keys\[0\]: an RSA key of 1024 bits is too short/],
    ['a JWK that is none', { jwt: { keys: [{ kty: 'OKP', crv: 'Ed25519' }] } }, /jwt\.keys\[0\]: not a public key/],
    ['an empty set', { jwt: { keys: [{ keys: [] }] } }, /jwt\.keys\[0\]\.keys: must be a list of JWKs/],
    ['a misspelled rule', { jwt: { keys: [edPem], isuer: 'x' } }, /jwt\.isuer: .*did you mean issuer\?/],
  ]
  test.each(cases)('%s', (_name, content, message) => {
    const file = write(content)
    const failure = failureOf(() => readTokens(file))
    expect(failure).toMatchObject({ code: 'malformed', message: expect.stringMatching(message) as string })
    expect(failure.message.startsWith(`${file}: `)).toBe(true)
    expect(failure.message).not.toMatch(/the-secret|other-secret/)
  })

  test('a file that others can read, or that is not there, by option and variable', () => {
    const open = write({ tokens: [entry] }, 0o644)
    const sources = (tokens: string) => ({ flags: { tokens }, env: {} })
    expect(() => parseConfig(sources(open))).toThrow(
      /^--tokens \(ROLLCALL_TOKENS\): .*open to others.*mode 644.*chmod 6[04]0/,
    )
    expect(() => parseConfig(sources('/nowhere/tokens'))).toThrow(/cannot read \/nowhere\/tokens \(ENOENT\)/)
  })
})

function failureOf(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was refused')
}
