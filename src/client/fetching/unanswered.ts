/**
 * What a caller is told of a call that no instance has answered: which service it was of, who was asked. What an instance answered is
 * never changed.
 */
import { codeOf } from './outcome.js'

/** Of one call. */
export interface Unanswered {
  readonly slug: string
  /** Whom it asked, in order. */
  readonly tried: readonly { readonly id: string; readonly url: string }[]
}

/** As fetch says it, so that whoever knows its errors knows this one: what it adds stands in the cause. */
export function networkError(error: TypeError, { slug, tried }: Unanswered): TypeError {
  const { cause } = error
  const why = cause instanceof Error && cause.message !== '' ? cause.message : error.message
  const code = codeOf(error)
  const told = new Error(`${slug}: ${why}; asked ${namesOf(tried)}`, { cause: cause ?? error })
  return new TypeError(error.message, { cause: code === undefined ? told : Object.assign(told, { code }) })
}

/** That its time is over. */
export function timeoutError(limit_ms: number, { slug, tried }: Unanswered): DOMException {
  const asked = tried.length === 0 ? 'nobody was asked, as no daemon said where it is' : `asked ${namesOf(tried)}`
  return lateError(limit_ms, `${slug}: `, `; ${asked}`)
}

export function lateError(limit_ms: number, before = '', after = ''): DOMException {
  return new DOMException(`${before}no answer in ${Math.round(limit_ms)} ms${after}`, 'TimeoutError')
}

function namesOf(tried: Unanswered['tried']): string {
  return [...new Set(tried.map(({ id, url }) => `${id} (${new URL(url).origin})`))].join(', ')
}
