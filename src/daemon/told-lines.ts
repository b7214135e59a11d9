/**
 * The last lines of a daemon's log as they may be shown to whoever helps: without secrets.
 */
import type { Config } from '../config.js'
import { redacted } from '../core/words/redacted.js'
import type { LastLines } from '../log/last-lines.js'

/** Shorter words of a key file are none of the key. */
const secretLength = 16

export function toldLines(last: LastLines, { clusterKey }: Pick<Config, 'clusterKey'>): () => readonly string[] {
  const key = clusterKey === undefined ? '' : Buffer.from(clusterKey).toString('utf8')
  const secrets = key.split(/\s+/).filter((word) => word.length >= secretLength && !word.startsWith('/'))
  return () => last.read().map((line) => shownLine(line, secrets))
}

/** By its fields, where it has any: a secret may be known by the name of its field alone. One that was cut has none any more. */
function shownLine(line: string, secrets: readonly string[]): string {
  try {
    return JSON.stringify(redacted(JSON.parse(line) as unknown, secrets))
  } catch {
    return redacted(line, secrets) as string
  }
}
