/**
 * The calls that find out what is wrong with a cluster, as the OpenAPI document describes them.
 */
import { describe } from '../operation.js'
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
              ...{ id: 'node-gone', severity: 'error', what: 'def is dead since 40 s.', about: ['def'] },
              meaning: 'Its machine answers, and nobody listens there: the daemon has crashed or was killed.',
              remedy: 'Start it again there: systemctl start rollcall.',
            },
          ],
        },
      },
    },
  },
})
