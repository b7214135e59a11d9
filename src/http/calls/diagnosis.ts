/**
 * The calls that find out what is wrong with a cluster, as the OpenAPI document describes them.
 */
import { describe } from '../operation.js'
import { History, HistoryQuery } from '../history-schemas.js'
import { LogLines } from '../log-schemas.js'
import { Diagnosis, Survey } from '../survey-schemas.js'
import * as examples from './examples.js'

const [self, other] = examples.members

const surveyed = {
  at: '2026-11-24T12:00:00.000Z',
  by: 'abc',
  took_ms: 12,
  nodes: [
    {
      ...{ id: 'abc', peer: self.peer, url: 'http://10.0.0.5:58231', how: 'self', software: '0.1.0', protocol: 2 },
      ...{ phase: 'ready', ready: true, digest: examples.digest.digest, inDoubt: false },
      sees: [{ peer: other.peer, state: 'alive', since_ms: 90_000, link: 'open', rtt_ms: 0.4 }],
    },
    {
      ...{ id: 'def', peer: other.peer, url: 'http://10.0.0.6:58231', how: 'answered', took_ms: 9, clockOffset_ms: 3 },
      ...{
        software: '0.1.0',
        protocol: 2,
        phase: 'ready',
        ready: true,
        digest: examples.digest.digest,
        inDoubt: false,
      },
      sees: [{ peer: self.peer, state: 'alive', since_ms: 90_000, link: 'failing', failure: 'connection refused' }],
    },
  ],
} as const

export const getSurvey = describe({
  id: 'getSurvey',
  tag: 'cluster',
  summary: 'What each node says that it sees',
  description: `Asks every node that this one is connected with, all at once, and waits for a second at the most. Beyond nine nodes
each is connected with some alone: the others are told as \`not-asked\`, and their own survey tells more.`,
  answers: {
    200: { description: 'This node first, then by label', schema: Survey, examples: { two: surveyed } },
  },
})

export const getDoctor = describe({
  id: 'getDoctor',
  tag: 'cluster',
  summary: 'What is wrong with this cluster, what it means, what to do',
  description: `From a survey, and from what this node knows itself. Each finding has an \`id\` that stays the same; whoever waits for one
of severity \`error\` or \`warning\` is told of all that somebody should look after.`,
  answers: {
    200: {
      description: 'Errors first; none: all is well',
      schema: Diagnosis,
      examples: {
        well: { at: surveyed.at, by: 'abc', answered: 2, nodes: 2, findings: [] },
        gone: {
          ...{ at: surveyed.at, by: 'abc', answered: 1, nodes: 2 },
          findings: [
            {
              ...{ id: 'node-gone', severity: 'error', what: 'def is dead, out of sight for 40 s.', about: ['def'] },
              meaning: 'Its machine answers, and nobody listens there: the daemon has crashed or was killed.',
              remedy: 'Start it again there: systemctl start rollcall.',
            },
          ],
        },
      },
    },
  },
})

export const getLog = describe({
  id: 'getLog',
  tag: 'cluster',
  summary: 'The last lines of the log of this daemon',
  description: 'At most 500, and 256 KiB, since its start. Needs a token that may `admin`.',
  answers: {
    200: {
      description: 'Oldest first, without what may be a secret',
      schema: LogLines,
      examples: {
        started: { lines: ['{"level":"info","time":"2026-11-24T12:00:00.000Z","msg":"writes are accepted"}'] },
      },
    },
  },
})

const whoDidIt = { via: 'http', by: 'ci', address: '10.0.0.7', outcome: 'done' } as const

export const getHistory = describe({
  id: 'getHistory',
  tag: 'cluster',
  summary: 'Who did what, as far as it is remembered',
  description: `Each change that a caller asks for is remembered where it was asked for, done or not, with the name of the token, the address
of the caller, the door; beside it what the daemon found or did itself. With an \`id\` all nodes that can be reached within a second are
asked, else this one alone. Memory is bounded, and begins with the start of each node: \`from\` says since when it knows. Of one id the
last 20 of each kind are kept. Renewals, heartbeats of sessions, a status said again are signs of life: counted by the metrics, not told.`,
  query: HistoryQuery,
  answers: {
    200: {
      description: 'Newest first',
      schema: History,
      examples: {
        moved: {
          ...{ at: surveyed.at, by: 'abc', from: '2026-11-24T08:00:00.000Z' },
          entries: [
            {
              ...{ seq: 7, at: '2026-11-24T11:58:00.000Z', act: 'maintenance', id: 'web-1', slug: 'web', node: 'abc' },
              ...{ peer: self.peer, ...whoDidIt, details: 'new disk' },
            },
          ],
          nodes: [
            { node: 'abc', peer: self.peer, how: 'self', from: '2026-11-24T08:00:00.000Z' },
            { node: 'def', peer: other.peer, how: 'unreachable' },
          ],
          notAsked: ['def'],
        },
      },
    },
  },
  failures: [400],
})
