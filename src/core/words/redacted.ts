/**
 * Takes out of what is shown to others whatever may be a secret: by its name, by where it stands in a url, or because it is known to be one.
 */
const taken = '[redacted]'

/** Of fields whose texts are not shown: one too many costs a maintainer a question, one too few a secret. */
const secretName =
  /token|secret|pass|pwd|credential|auth|bearer|cookie|jwt|dsn|signing|(?:api|access|private|shared)[-_]?key|headers/i
/** Of these every value is whatever somebody wrote into it. */
const freeFields: ReadonlySet<string> = new Set(['metadata'])
const userinfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']*@/gi
const secretInText =
  /((?:^|[?&;,\s])[^=&#\s;,]*(?:token|secret|pass|pwd|key|sig|auth|jwt|code|credential)[^=&#\s;,]*=)[^&#\s"';,]*/gi
/** Whatever it calls them. Of a check there is but one slash: `http:/health?…`, or `/health?…` alone. */
const query = /((?:\b[a-z][a-z0-9+.-]*:|^)\/[^\s"'<>?#]*\?)[^\s"'<>#]+/gi
const bearer = /\b(bearer|basic)\s+[\w.~+/=-]+/gi
const privateKey = /-----BEGIN [^-]*PRIVATE KEY-----[^]*?(?:-----END [^-]*-----|$)/g

/**
 * A copy of plain data without them.
 * @param secrets texts that are known to be some
 */
export function redacted(value: unknown, secrets: readonly string[] = []): unknown {
  if (typeof value === 'string') return textOf(value, secrets)
  if (Array.isArray(value)) return value.map((item) => redacted(item, secrets))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      textOf(name, secrets),
      secretName.test(name) && isText(inner)
        ? taken
        : freeFields.has(name)
          ? withoutTexts(inner)
          : redacted(inner, secrets),
    ]),
  )
}

/** The names stay: they say what is meant to be found there. */
function withoutTexts(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return isText(value) ? taken : value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutTexts(inner)]))
}

/** Numbers, and whether something is on, are none; of headers every value is one. */
function isText(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string'
  return Object.values(value).some(isText)
}

function textOf(text: string, secrets: readonly string[]): string {
  let shown = text
  for (const secret of secrets) if (secret !== '') shown = shown.replaceAll(secret, taken)
  return shown
    .replace(privateKey, taken)
    .replace(userinfo, `$1${taken}@`)
    .replace(query, `$1${taken}`)
    .replace(secretInText, `$1${taken}`)
    .replace(bearer, `$1 ${taken}`)
}
