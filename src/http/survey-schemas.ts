/**
 * The shapes of what a cluster sees of itself, as JSON Schema.
 */
import { dialOutcomes } from '../core/words/dial-words.js'
import { findingIds, severities } from '../core/doctor/findings.js'
import { linkDirections, linkStates, surveyOutcomes } from '../core/survey/views.js'
import { unreadyCauses } from '../core/words/causes.js'
import { memberStates } from '../core/views.js'
import * as json from './json-schema.js'
import { peerId } from './schemas.js'
import { versions } from './version-schemas.js'

const { optional } = json
const duration = json.number({ minimum: 0, description: 'milliseconds' })

const SeenMember = json.object({
  peer: peerId,
  state: json.words(memberStates),
  since_ms: optional(duration),
  link: json.words(linkStates, {
    description: 'failing: it should be open, and is not, or nothing flows; none: nobody means to be connected',
  }),
  direction: optional(
    json.words(linkDirections, { description: 'who dialled, where the connection is open; inbound: it did' }),
  ),
  dial: optional(json.words(dialOutcomes, { description: 'what came of dialling it last, where it is not connected' })),
  rtt_ms: optional(duration),
  failure: optional(json.string({ description: 'what is wrong with the link, for people' })),
  hears: optional(json.boolean({ description: 'whether it is heard, or was until the link was gone' })),
  reported: optional(json.boolean({ description: 'somebody reports it as silent' })),
  outOfStep_ms: optional(
    json.number({ minimum: 0, description: 'for so long it has not held what this node holds, in milliseconds' }),
  ),
})

const SurveyedNode = json.object({
  id: json.string({ description: 'the label of the node; its peer id while that is not known' }),
  peer: peerId,
  url: optional(json.string()),
  zone: optional(json.string()),
  region: optional(json.string()),
  how: json.words(surveyOutcomes, {
    description:
      'what came of asking it; busy: it was asked more than it answers, ask again; old: its version knows no such question; not-asked: it lives, and is connected with others',
  }),
  took_ms: optional(duration),
  ...versions,
  clockOffset_ms: optional(
    json.number({ description: 'its clock minus that of the node that asked, in milliseconds; for display alone' }),
  ),
  phase: optional(json.string()),
  ready: optional(json.boolean()),
  reason: optional(json.string({ description: 'why it is not ready' })),
  causes: optional(json.array(json.words(unreadyCauses), { description: 'the same for programs' })),
  refusal: optional(json.string({ description: 'why its disk refused the last write' })),
  address: optional(json.string({ description: 'where it can be dialled, as it says' })),
  otherAt: optional(json.string({ description: 'where the other daemon with its key is, of one that is muted' })),
  digest: optional(json.string({ description: 'over all that it holds' })),
  inDoubt: optional(json.boolean({ description: 'it has lost sight of most of the cluster' })),
  sees: optional(json.array(SeenMember, { description: 'those with something wrong first; absent: it did not say' })),
  more: optional(json.integer({ description: 'so many more there was no room for' })),
})

export const Survey = json.object({
  at: json.string({ format: 'date-time' }),
  by: json.string({ description: 'the node that asked' }),
  took_ms: duration,
  nodes: json.array(SurveyedNode),
})

const Finding = json.object({
  id: json.words(findingIds, { description: 'always the same for the same kind of thing' }),
  severity: json.words(severities, { description: 'error, warning: something is wrong; note: worth knowing' }),
  what: json.string({ description: 'what was seen' }),
  meaning: json.string({ description: 'what follows from it' }),
  remedy: json.string({ description: 'what to do, with the command' }),
  about: json.array(json.string(), { description: 'nodes, slugs, instances, places; the first of them' }),
})

export const Diagnosis = json.object({
  at: json.string({ format: 'date-time' }),
  by: json.string({ description: 'the node that was asked' }),
  answered: json.integer({ description: 'so many nodes said what they see, itself included' }),
  nodes: json.integer({ description: 'of so many that have not said goodbye' }),
  notAsked: optional(
    json.integer({ description: 'so many of those live, and were not asked: this node is connected with others' }),
  ),
  findings: json.array(Finding, { description: 'errors first' }),
})
