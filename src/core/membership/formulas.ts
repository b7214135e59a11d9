/**
 * The numbers of failure detection: each rule one pure function. Times are milliseconds.
 */
import { heartbeatInterval_ms } from '../wire/beat.js'
import { wireLimits } from '../wire/limits.js'

/**
 * Silence after which an observer reports: two heartbeats lost and 0.3 s of lateness. A shorter one would report
 * a machine for a single garbage collection; a longer one delays the hiding of a silent death.
 */
export const silence_ms = 2300

/** For how long an observer remembers that it reported a member wrongly. */
export const mistakeMemory_ms = 60_000

/**
 * The silence after which an observer reports a member that it lately reported wrongly: a heartbeat more for each time,
 * up to three. Who loses half of all frames would otherwise accuse and take back all the time, before everybody.
 * (Lifeguard's local health multiplier, Dadgar, Phillips and Currey 2018, kept for each line instead of for the daemon:
 * one bad line makes nobody slow to notice what the others show.) Where several lines are bad it is the daemon or the network
 * after all: a heartbeat more on every line for each doubling of them.
 * @param mistakes how often it lately reported this member wrongly
 * @param badLines how many members it lately reported wrongly
 */
export function patience_ms(mistakes: number, badLines: number): number {
  return silence_ms + heartbeatInterval_ms * (Math.min(3, mistakes) + Math.floor(Math.log2(Math.max(1, badLines))))
}

/**
 * How many heartbeats more than else an observer waits for that had no core for this share of its time: a half of it one, three quarters
 * two, and so on, up to five. (Lifeguard's local health once more: of the machine.)
 */
export function beatsWaited(share: number): number {
  return Math.max(0, Math.min(5, Math.floor(-Math.log2(1 - Math.min(share, 0.99)) + 1e-9)))
}

/** How long a report counts after its receipt; must exceed two repeats, so that one may be lost. */
export const reportStanding_ms = 5000
export const reportRepeat_ms = 2000

/** How many heartbeats a member may have sent in this time: one clock may be fast, another slow, and a word may be late. */
export function sequencesWithin(duration_ms: number): number {
  return (2 * duration_ms) / heartbeatInterval_ms + 10
}

/** How long a word may be on its way to us, over all who pass it on, unnoticed by the age that it is given. */
export const onItsWay_ms = 200

/** How long ago the number was first said that a word out of turn repeats: a round ago, and the next one may be late unnoticed. */
export const repeated_ms = heartbeatInterval_ms + 200

/** How many heartbeats further a member is at least, once it speaks after this time, than with the word that began it. */
export function sequencesUntil(duration_ms: number): number {
  return 1 + Math.floor((Math.max(0, duration_ms) + onItsWay_ms) / heartbeatInterval_ms)
}

/**
 * A timer of ours this late means that we were asleep: what we missed meanwhile says nothing about others.
 * (Lifeguard's local health, Dadgar, Phillips and Currey 2018, as a yes or no.)
 */
export const ownLateness_ms = 200

/** How long a daemon that said "I restart" may take before its instances are taken off the lists. */
export const restartGrace_s = 30

/**
 * How many distinct observers must report a member before it is hidden: a third of them, but never one alone where
 * there are more, so that one sick observer or one cut link hides nobody. (Rapid's H of K, Suresh et al. 2018, §4.2;
 * Rapid asks for nine of ten since it also removes members; here a belief that was wrong costs half a second.)
 * @param observers how many observe it
 * @param refutations how often it lately proved such reports wrong; each raises the bar, up to a majority, so that
 * a node that only some cannot reach stays visible
 */
export function reportsNeeded(observers: number, refutations: number): number {
  const base = Math.min(observers, Math.max(2, Math.ceil(observers / 3)))
  const majority = Math.floor(observers / 2) + 1
  return Math.max(1, base, Math.min(base + refutations, majority))
}

/** How many others a heartbeat passes on, where its listener missed no more than usual: 1.3 kB at the most. */
const relaysUsual = 64

/**
 * How many others a heartbeat passes on. More to a listener that missed more than two rounds of news: it has just started, or
 * was cut off. Among 1000 members a new one has then heard of all after three heartbeats of its neighbours, and with the usual
 * number alone after some ten. Of one that was lost sight of and is back, everybody counts as having missed that much. At rest a
 * round is all that anybody misses, so the cost at rest is the same.
 * @param missed by the listener of the one to be told next
 */
export function relaysAtOnce(members: number, missed: number): number {
  const round = Math.ceil(members / relaysUsual)
  return missed > 2 * round ? wireLimits.relayedHeartbeats : relaysUsual
}

/**
 * Unheard of by anyone for this long, a member is hidden without any report. Grows with the time that hearsay travels,
 * and is twice as long as that: a heartbeat passes on 64 others, and each daemon hears eight of them a second, so that
 * the oldest word that anybody has of a healthy member is 4.7 s old at 250 members, 7.5 s at 400, and 19 s at 1000.
 */
export function slowPath_ms(members: number): number {
  return Math.max(8000, (members / 25) * 1000)
}

/**
 * How long nobody may have heard of a member before an observer reports it that never heard it itself: one that took
 * over from an observer which is hidden too. As long as a word is fresh at least, and longer than hearsay takes where the
 * member lives.
 */
export function inheritedSilence_ms(members: number): number {
  return (slowPath_ms(members) * 5) / 8
}

/**
 * How long one alone may pass on words of a member, and nobody else any, before it is asked whether it lives: twice as long as the
 * oldest word is on its way, and as long before the slow path ends.
 */
export function seconded_ms(members: number): number {
  return slowPath_ms(members) / 2
}

/**
 * How old the last word of a member may be for it to count as alive again. Hearsay takes up to 2 s at 100 members, and up to
 * 5 s where half of all heartbeats are lost: with less, whoever was hidden wrongly then stays hidden for minutes.
 */
export function fresh_ms(members: number): number {
  return Math.max(5000, (slowPath_ms(members) * 3) / 8)
}

/**
 * Hidden for this long, a member is dead. (The suspicion time of SWIM, Das, Gupta and Motivala 2002, §4.2, scaled by the
 * logarithm of the members as in memberlist.)
 */
export function deadAfter_ms(members: number): number {
  return 3000 * Math.max(1, Math.log10(Math.max(1, members)))
}

/**
 * How old, at its death, the last word of a member may have been that proves the death wrong. It is from two seconds after
 * the hiding at the least, and so from more than four after the last heartbeat of whoever is dead: no word of the dead is held
 * up on its way for so long. With words from after the death alone, a partition of 1000 that heals just when its two sides
 * have given each other up would last for another round of hearsay.
 */
export function lifeSign_ms(members: number): number {
  return deadAfter_ms(members) - 2000
}

/** A refused dial says for so long that we do not reach its other end: somebody who is missed is dialled every half minute at least. */
export const refusalCounts_ms = 60_000
