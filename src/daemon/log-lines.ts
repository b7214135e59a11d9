/**
 * The log lines of a registry's life: each event in words that can be read at night, at the level that it deserves. It writes
 * only what it is given.
 */
import { type DialOutcome, dialInWords } from '../core/words/dial-words.js'
import { count } from '../core/words/count.js'
import type { Churn } from '../core/doctor/churn.js'
import type { RegistryEvent } from '../core/effects.js'
import type { InstanceRecord, NodeRecord, PeerId } from '../core/model/model.js'
import { shownUrl } from '../core/model/url.js'
import type { MemberState } from '../core/views.js'
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

/** What is known of those whom an event names by an id alone. */
export interface Register {
  nodeRecord(peer: PeerId): Pick<NodeRecord, 'id' | 'url'> | undefined
  /** What the last dial said of a member. */
  dial?(peer: PeerId): DialOutcome | undefined
  record(id: string): Pick<InstanceRecord, 'slug' | 'url' | 'details'> | undefined
}

const becomes: Readonly<Record<MemberState, string>> = {
  unknown: 'is not known to live',
  alive: 'is alive',
  hidden: 'is hidden',
  dead: 'is dead',
  left: 'has left',
}

export function lineOf(event: RegistryEvent, register: Register): Line {
  switch (event.type) {
    case 'member': {
      const { peer, from, to, why } = event
      const { id: nodeId, url } = register.nodeRecord(peer) ?? {}
      // A death is what people are woken for; whoever reads of it there reads of its end there, too.
      const level = to === 'dead' || from === 'dead' ? 'warn' : 'info'
      const dial = to === 'hidden' || to === 'dead' ? register.dial?.(peer) : undefined
      const fields = { peer, nodeId, url, from, to, why, ...(dial !== undefined && { dial }) }
      const cause = dial === undefined ? '' : `; ${dialInWords[dial]}`
      return { level, fields, message: `member ${memberName(peer, register)} ${becomes[to]}: ${why}${cause}` }
    }
    case 'instance': {
      const { id, slug, change } = event
      return { level: 'debug', fields: { id, slug }, message: `instance ${instanceName(event, register)}: ${change}` }
    }
    case 'instance-status': {
      const { id, slug, from, to } = event
      const { url, details } = register.record(id) ?? {}
      const isExpected = from === 'Unknown' && to === 'Healthy' // the first check of each, and of all after a start
      const cause = details === undefined ? '' : `: ${details}`
      return {
        level: isExpected ? 'debug' : 'info',
        fields: { id, slug, ...(url !== undefined && { url: shownUrl(url) }), from, to, details },
        message: `instance ${instanceName(event, register)} is ${to}${cause}`,
      }
    }
    case 'instance-moved': {
      const { type: _, ...fields } = event
      const { id, slug, from, to } = fields
      const url = shownUrl(fields.url)
      const what = `${slug ?? id} at ${url}`
      const message = `${what} moved from ${memberName(from, register)} to ${memberName(to, register)}: it was registered there`
      return { level: 'info', fields: { ...fields, url }, message }
    }
    case 'instance-ended': {
      const { type: _, ...fields } = event
      const { id, slug, why } = fields
      const url = shownUrl(fields.url)
      const name = slug === undefined ? id : `${slug} (${id})`
      return { level: 'info', fields: { ...fields, url }, message: `instance ${name} at ${url} is removed: ${why}` }
    }
    case 'session': {
      const { id: session, change, instances } = event
      const what = sessionChanges[change]
      return {
        level: change === 'ended' ? 'debug' : 'info', // of each instance that went with it there is a line
        fields: { session, change, instances },
        message: `session ${session} ${what}; ${count(instances, 'instance lives', 'instances live')} with it`,
      }
    }
    case 'ready':
      return { level: 'info', message: 'writes are accepted' }
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
    case 'doubt':
      return lineOfDoubt(event.doubt)
    case 'muted':
      return { level: 'error', message: event.why }
    case 'warning':
      return { level: 'warn', message: event.message }
  }
}

/** The beginning of a doubt, or its end. */
const sessionChanges = {
  lost: 'is lost: its program ended, or is silent',
  over: 'is over',
  ended: 'was ended by its program',
} as const

function lineOfDoubt(doubt: (RegistryEvent & { type: 'doubt' })['doubt']): Line {
  if (doubt === undefined)
    return { level: 'info', fields: { degraded: false }, message: 'sees most of the cluster again; no more doubt' }
  const { visible, missable } = doubt
  const message = `in doubt: only ${visible} of ${missable} nodes are in sight, this one included; is this node cut off? Lookups list the last known instances`
  return { level: 'warn', fields: { degraded: true, ...doubt }, message }
}

/** A member as people know it, by label and url; the short peer id tells apart what shares those, and finds it in every table. */
export function memberName(peer: PeerId, { nodeRecord }: Pick<Register, 'nodeRecord'>): string {
  const record = nodeRecord(peer)
  return record === undefined ? `peer ${shortPeer(peer)}` : `${record.id} (${record.url}, peer ${shortPeer(peer)})`
}

/** So many characters tell the peers of one cluster apart; all begin alike. */
function shortPeer(peer: PeerId): string {
  return peer.length <= 16 ? peer : `${peer.slice(0, 16)}…`
}

/** By the slug that it had at that time. */
function instanceName({ id, slug }: RegistryEvent & { id: string; slug?: string }, register: Register): string {
  const url = register.record(id)?.url
  const name = slug === undefined ? id : `${slug} (${id})`
  return url === undefined ? name : `${name} at ${shownUrl(url)}`
}

/** A service that does not come to rest. */
export function churnInWords({ home, slug, perSecond, lasts_ms }: Churn, register: Register): string {
  const what = `instances ${slug === undefined ? 'without a slug' : `of ${slug}`} at ${memberName(home, register)}`
  const pace = `${perSecond} times a second for ${lasts_ms / 1000} s now`
  return `${what} are registered, changed or removed without end, ${pace}: is a program there in a loop?`
}

const wayOutOfLoss =
  'What other nodes hold of it comes back; what was written here alone has to be registered again. Look after this disk.'

/** What a start found on its disk, and mended. */
export function linesOfDisk({ warnings, lostStore, lostWrites }: DataDir, { damaged }: StoredState): Line[] {
  const lost = [
    ...(lostStore === undefined ? [] : [`${lostStore}. What it held is fetched from the other nodes.`]),
    ...(lostWrites === undefined ? [] : [`${lostWrites} ${wayOutOfLoss}`]),
  ]
  return [
    ...warnings.map((message): Line => ({ level: 'warn', message })),
    ...lost.map((message): Line => ({ level: 'error', message })),
    ...damaged.map((owner): Line => ({
      level: 'error',
      fields: { owner },
      message: `the document of peer ${shortPeer(owner)} was damaged on disk, and is fetched from the other nodes`,
    })),
  ]
}
