/**
 * Takes out of what is shown to others whatever may be a secret: by its name, by where it stands in a url, or because it is known to be one.
 */
const taken = '[redacted]'

/** Of fields whose texts are not shown: one too many costs a maintainer a question, one too few a secret. */
const secretName = /token|secret|passw|credential|authorization|cookie|api[-_]?key|private[-_]?key|headers/i
const userinfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']*@/gi
const secretInQuery = /([?&][^=&#\s]*(?:token|secret|passw|key|sig|auth)[^=&#\s]*=)[^&#\s"']*/gi
const bearer = /\b(bearer|basic)\s+[\w.~+/=-]+/gi

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
      secretName.test(name) && isText(inner) ? taken : redacted(inner, secrets),
    ]),
  )
}

/** Numbers, and whether something is on, are none; of headers every value is one. */
function isText(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string'
  return Object.values(value).some(isText)
}

function textOf(text: string, secrets: readonly string[]): string {
  let shown = text
  for (const secret of secrets) if (secret !== '') shown = shown.replaceAll(secret, taken)
  return shown.replace(userinfo, `$1${taken}@`).replace(secretInQuery, `$1${taken}`).replace(bearer, `$1 ${taken}`)
}
