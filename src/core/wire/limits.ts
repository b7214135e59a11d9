/**
 * How big anything from a peer may be. A message over its limit is not that message.
 */
import { actLimits } from '../model/act.js'
import { modelLimits } from '../model/model.js'

export const wireLimits = {
  peerIdBytes: 128,
  headBytes: 512,
  generation: modelLimits.counter,
  /** What goes by gossip; larger updates are announced by their head and pulled. */
  gossipBytes: 64 * 1024,
  /** Members that one message reports: an observer has eight subjects, more only where most of a cluster fell silent. */
  reportsAtOnce: 64,
  /** Members that one message asks whether they live, and questions that one answer is for. */
  questionsAtOnce: 64,
  /** Questions that one answer is for that goes over a connection. */
  passedAtOnce: 16,
  /** Members of whose silence one message tells. */
  silences: 1024,
  /** A frame of a heartbeat stream. */
  beatBytes: 8 * 1024,
  /** Heartbeats of others that one heartbeat passes on, to a listener that missed many; with the largest numbers they fit. */
  relayedHeartbeats: 256,
  /** The vitals of one machine, as JSON; a frame of several is filled up to this. */
  vitalsBytes: 4096,
  vitalsAtOnce: 64,
  /** The Yjs content of one document; with its frame it is less than the network carries in one message. */
  contentBytes: 60 * 1024 * 1024,
  /** The entries of one document: how many, and the bytes of their keys and values. Yjs adds some 40 bytes to each. */
  entries: 150_000,
  entryBytes: 48 * 1024 * 1024,
  /** One value: the largest is a definition, and what its canonical form may add to it. */
  valueBytes: 4 * modelLimits.definitionBytes,
  /** Documents that one daemon holds of others. A sync message may name these and its sender's own. */
  documents: 4096,
  /** An act on an instance, as JSON, and what its home node has to say of it. */
  actBytes: actLimits.bytes,
  actAnswerBytes: 4096,
  /** A question that is for people, as JSON, and its answer, which is cut to that. */
  questionBytes: 4096,
  answerBytes: 64 * 1024,
  /** Responses are filled up to this before the next one is begun. */
  syncBatchBytes: 1024 * 1024,
} as const
