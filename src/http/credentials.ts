/**
 * Tells who is calling: from the `Authorization` header, where credentials are configured. No token is ever logged, none is
 * repeated in a message.
 */
import { timingSafeEqual } from 'node:crypto'
import { sha256Of, type Credentials } from '../config/tokens.js'
import { unauthorized, type Caller } from './caller.js'
import { tokenOf } from './claims.js'

/** Tells callers apart. One for each server. */
export function createIdentifier({
  tokens,
  jwt,
}: Credentials): (authorization: string | undefined) => Caller | Promise<Caller> {
  let verifier: Promise<(token: string) => Promise<Caller>> | undefined
  return (authorization) => {
    const given = tokenOf(authorization)
    if (given === undefined) {
      throw unauthorized(
        'this daemon asks for a token; send the header Authorization: Bearer TOKEN (--token or ROLLCALL_TOKEN)',
      )
    }
    const hash = sha256Of(given)
    let known: Caller | undefined
    // To the end, whoever it is: the time taken tells nothing.
    for (const token of tokens) if (timingSafeEqual(token.sha256, hash)) known = token
    if (known !== undefined) return known
    if (jwt !== undefined && given.split('.').length === 3) {
      // Not before somebody comes with one: most daemons never need that library.
      verifier ??= import('./jwt.js').then(({ createVerifier }) => createVerifier(jwt))
      return verifier.then((verify) => verify(given))
    }
    throw unauthorized('the token is not one of those that this daemon was started with (--tokens)')
  }
}
