/**
 * The log lines of a registry's life: each event in words that can be read at night, at the level that it deserves. It writes
 * only what it is given.
 */
import type { RegistryEvent } from '../core/effects.js'
import { deriveNodeId } from '../core/model.js'
import type { DataDir } from '../io/storage/data-dir.js'
import type { StoredState } from '../io/storage/storage.js'
import type { Log } from '../log.js'

/** One line of a log. */
export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields?: object
  readonly message: string
}

export function writeLine(log: Log, { level, fields = {}, message }: Line): void {
  log[level](fields, message)
}

export function lineOf(event: RegistryEvent): Line {
  switch (event.type) {
    case 'member': {
      const { peer, from, to, why } = event
      return { level: 'info', fields: { peer, from, to, why }, message: `member ${to}: ${why}` }
    }
    case 'instance': {
      const { id, slug, change } = event
      return { level: 'debug', fields: { id, slug }, message: `instance ${change}` }
    }
    case 'instance-status': {
      const { id, from, to } = event
      const isExpected = from === 'Unknown' && to === 'Healthy' // the first check of each, and of all after a start
      return { level: isExpected ? 'debug' : 'info', fields: { id, from, to }, message: `instance is ${to}` }
    }
    case 'instance-moved': {
      const { type: _, ...fields } = event
      const { id, slug, url, from, to } = fields
      const what = `${slug ?? id} at ${url}`
      const message = `${what} moved from ${deriveNodeId(from)} to ${deriveNodeId(to)}: it was registered there`
      return { level: 'info', fields, message }
    }
    case 'ready':
      return { level: 'info', message: 'ready: writes are accepted' }
    case 'synced': {
      const { peer, documents } = event
      return { level: 'debug', fields: { peer, documents }, message: 'compared all documents with a peer' }
    }
    case 'generation': {
      const { generation, why } = event
      return { level: 'warn', fields: { generation }, message: `began a new generation: ${why}` }
    }
    case 'refuted': {
      const { incarnation } = event
      return {
        level: 'warn',
        fields: { incarnation },
        message: 'others reported this node silent; told them that it lives',
      }
    }
    case 'muted':
      return { level: 'error', message: event.why }
    case 'warning':
      return { level: 'warn', message: event.message }
  }
}

/** What a start found on its disk, and mended. */
export function linesOfDisk({ warnings, lostStore }: DataDir, { damaged }: StoredState): Line[] {
  const lost = lostStore === undefined ? [] : [`${lostStore} What it held is fetched from the other nodes.`]
  return [
    ...warnings.map((message): Line => ({ level: 'warn', message })),
    ...lost.map((message): Line => ({ level: 'error', message })),
    ...damaged.map((owner): Line => ({
      level: 'error',
      fields: { owner },
      message: 'a damaged document was dropped from disk; it is fetched from the other nodes',
    })),
  ]
}
