/**
 * Codes for failures of TLS, out of the words that OpenSSL has for them: some callers of it pass on the words alone.
 */

/** @returns such as `ERR_SSL_WRONG_VERSION_NUMBER`; undefined where OpenSSL says nothing */
export function opensslCode(message: string): string | undefined {
  const reason = /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1]
  return reason === undefined ? undefined : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`
}
