/**
 * Reads options of the form `KEY=VALUE`, of which there may be several. What the values mean is not known here.
 */
import { InvalidArgumentError } from 'commander'

/** @param before what was read of the option so far */
export function collectPairs(text: string, before: unknown): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Give KEY=VALUE.')
  return { ...(before as Record<string, string> | undefined), [text.slice(0, at)]: text.slice(at + 1) }
}
