/**
 * Questions to the daemon that this page came from. The token lives in this tab alone, for as long as that is open.
 */
const tokenName = 'rollcall-token'

/** Longer than any answer from memory takes; a daemon that stands still is not waited for. */
const patience_ms = 8000

/** What came instead of an answer. */
export class Unanswered extends Error {
  /** @param status 0: nobody answered at all */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }

  /** It is there, and wants to know who asks. Whoever is known may read: what is forbidden is so with any token. */
  get asksForToken(): boolean {
    return this.status === 401
  }
}

/** Given to this page, while it stands. The browser may store nothing for it. */
let given: string | undefined

/** It throws where its user wants nothing stored; of some browsers only what is written. */
function stored<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage)
  } catch {
    return undefined
  }
}

export function token(): string {
  return given ?? stored((storage) => storage.getItem(tokenName)) ?? ''
}

export function keepToken(text: string): void {
  given = text
  stored((storage) => (text === '' ? storage.removeItem(tokenName) : storage.setItem(tokenName, text)))
}

/** Beside the page, wherever a proxy has put that. @throws Unanswered */
export async function open(path: string, signal: AbortSignal, method = 'GET'): Promise<Response> {
  // The browser would not even ask, and say no more than if nobody were there.
  if (!/^[\x21-\x7e]*$/.test(token()))
    throw new Unanswered(401, 'The token holds letters that no token has: give it as it was made, without quotes.')
  const headers: Record<string, string> = token() === '' ? {} : { authorization: `Bearer ${token()}` }
  const url = new URL(path, document.baseURI)
  const response = await fetch(url, { method, headers, signal, cache: 'no-store' }).catch((cause: unknown) => {
    throw new Unanswered(0, cause instanceof DOMException ? 'it does not answer in time' : 'it cannot be reached')
  })
  if (response.ok) return response
  throw new Unanswered(response.status, await errorOf(response))
}

/** @throws Unanswered */
export async function ask<T>(path: string, method = 'GET'): Promise<T> {
  const response = await open(path, AbortSignal.timeout(patience_ms), method)
  return (await response.json().catch(() => {
    throw new Unanswered(0, 'its answer broke off')
  })) as T
}

/** Undefined where this daemon has no such call, as older ones may not. @throws Unanswered */
export async function askIfKnown<T>(path: string): Promise<T | undefined> {
  return ask<T>(path).catch((error: unknown) => {
    if (error instanceof Unanswered && error.status === 404) return undefined
    throw error
  })
}

async function errorOf(response: Response): Promise<string> {
  const said = (await response.json().catch(() => ({}))) as { error?: unknown }
  return typeof said.error === 'string' ? said.error : `it answers ${response.status}`
}
