// The bugs that somebody could write, by the part of the core that they are in: each of them must be caught.
import type { Patch } from './patch.js'

const membership: Readonly<Record<string, Patch>> = {
  'H is one too low: a single observer hides': [
    'reportsNeeded',
    'Math.max(2, Math.ceil(observers / 3))',
    'Math.max(1, Math.ceil(observers / 3) - 1)',
  ],
  'H is one too high': [
    'reportsNeeded',
    'Math.max(2, Math.ceil(observers / 3))',
    'Math.max(2, Math.ceil(observers / 3)) + 1',
  ],
  'refutations raise no bar': ['reportsNeeded', 'base + refutations', 'base'],
  'reports never expire': ['stands', 'now >= report.until', 'false'],
  'reports of an earlier generation count': ['stands', '.generation === accused.generation', 'true'],
  'a refutation makes no report void': ['stands', '.incarnation >= accused.incarnation', 'true'],
  'an old report replaces a newer one of its author': ['take', '!isLater(saying, known)', 'false'],
  'nobody refutes': ['mustRefute', 'standing.length < needed', 'needed >= 0'],
  'every single report is refuted': ['mustRefute', 'standing.length < needed', 'standing.length === 0'],
  'the freshest news are passed on first': [
    '#byMissed',
    'let missed = places.length - 1; missed >= 0; missed--',
    'let missed = 0; missed < places.length; missed++',
  ],
  'who missed much is told no more at once than others': ['relaysAtOnce', 'missed > 2 * round', 'false'],
  'what was told is told again and again': ['#byMissed', 'missed > 0', 'missed >= 0'],
  'all daemons pass on in one order': ['#byMissed', '.#chance(equal.length)', '0'],
  'hearsay raises a generation': [
    '#hearOf',
    'relayed.generation !== member.generation',
    'relayed.generation < member.generation',
  ],
  'a heartbeat of an earlier generation counts': [
    'hear',
    'beat.generation < Math.max(member.generation, member.heardGeneration)',
    'false',
  ],
  'a verdict is undone without a word of the member': ['noteSight', '.lostSight = sightingOf(member, now)'],
  'a word that was on its way when it was hidden counts': ['cameAfter', '> onItsWay_ms', '>= 0'],
  'the next number after the last known one was spoken after the hiding': ['sequencesUntil', 'Math.floor($$$)', '0'],
  'what we find in our buffers on waking was spoken just now': ['cameAfter', 'Math.max(at, awakeSince)', 'at'],
  'a refutation is no word of a hidden member': [
    'noteIncarnation',
    'incarnation > member.lostSight.incarnation',
    'false',
  ],
  'an incarnation that was reported is news': ['sightingOf', 'report.generation === generation', 'false'],
  'who is lost sight of is passed on': ['Relays.for', 'lostSight === undefined', 'true'],
  'who connects is not told what is reported': ['beatAll', 'newcomers.length > 0', 'false'],
  'nobody is left to report, so nobody is hidden': ['#reportsNeeded', 'needed === 1 || !isVacated(member)', 'true'],
  'one refused dial is enough, whoever is left to report': [
    '#canReport',
    "member.state === 'alive' && !isVacated(member)",
    'false',
  ],
  'who is gone from where others were met is gone': ['noteRefusal', 'member.metIn === member.generation', 'true'],
  'whom others hear may be gone': ['isVacated', '!isVouchedFor', 'true'],
  'a reset is as good as a refusal': [
    'noteRefusal',
    'isVacant && member.metIn === member.generation',
    'member.metIn === member.generation',
  ],
  'reports by the dead count': ['#standing', '.isAlive(author)', 'true'],
  'who slept counts what it missed as silence': ['awoke', '.#awakeSince = now'],
  'a report is not taken back': ['take', 'withdrawn === true', 'false'],
  'nobody doubts itself': ['#doubtsItself', 'silent >= 3', 'false'],
  'an observer learns nothing from reports that were wrong': ['noteMistake', '.mistakes.push(now)'],
  'who reported many wrongly is as quick with the others as ever': ['#countBadLines', 'bad += 1', 'bad = 1'],
  'who hears badly takes hearsay as whole as anybody does': ['#doubtsItself', '.#doubtedAt = now'],
  'a silence from before the hiding counts for death': [
    'isDying',
    'Math.max(member.unwellSince, member.since)',
    'member.unwellSince',
  ],
  'of a message only the first report counts': ['report', 'of report.about', 'of report.about.slice(0, 1)'],
  'what was reported before a death holds down whoever is heard after it': ['noteDeath', 'expire($$$)'],
  'what was said of one that died is not taken back when it is heard again': [
    '#end',
    "member.state !== 'dead'",
    'true',
  ],
  'who observes whom is not asked anew when an observer goes': ['#holds', '!answer.observers.every($$$)', 'false'],
  'who observes whom is not asked anew when an observer comes': ['add', '.#answers.delete(subject)'],
  'a refused dial is no evidence': ['isSilent', 'member.refused', 'false'],
  'a farewell is not heard': ['farewell', '.directAt = undefined'],
  'nothing is held against who was hidden': ['recovery_ms', 'Math.max(1, hidings)', '1'],
  'there is no slow path': ['isUnheard', 'silenceOf($$$)', '0'],
  'who is reported for long is dead, though it is heard of': ['isDying', 'Math.min(unwellFor, $$$)', 'unwellFor'],
  'the hidden never die': ['judge', 'isDying($$$)', 'false'],
  'who was hidden is dead although its observers have taken their reports back': [
    'judge',
    '(reported || unheard)',
    'true',
  ],
  'a goodbye is not looked at': ['follow', '.left = head.left !== undefined'],
  'seven observers instead of eight': ['ringCount', '8', '7'],
  'digests of heartbeats are not compared': ['Heartbeats.hear', 'from.mismatches + 1', '0'],
  'one differing heartbeat is enough to be out of step': ['mismatchesTolerated', '3', '1'],
  'links that nobody needs are kept': ['Liveness.tick', 'if (mayHangUp)', 'if (false)'],
  'the dead are not dialled again': ['#draw', ".#inTurn('dead', $$$)", '[]'],
  'instances of the dead go at once': ['isDormant', 'age_ms > dormantAfterDeath_ms', 'true'],
}

const documents: Readonly<Record<string, Patch>> = {
  'a signature is not checked': ['Replica.offer', '!this.#signatures.isGenuine($$$)', 'false'],
  'the digest of a full content is not compared': ['NodeDocument.load', '!equalBytes($$$)', 'false'],
  'the digest of an update is not compared': ['#takeUpdate', '!equalBytes($$$)', 'false'],
  'an update may start anywhere': ['NodeDocument.take', 'step.fromVersion === head.version', 'true'],
  'a generation that knows nothing of the last one replaces it': ['Replica.offer', 'isBehind($$$)', 'false'],
  'what is fenced may come back': ['Replica.offer', 'head.generation <= fencedUpTo', 'false'],
  'a fence ends one generation too few': ['isFenced', 'generation <=', 'generation <'],
  'the boot id does not order heads': ['compareHeads', '(a.boot < b.boot ? -1 : a.boot > b.boot ? 1 : 0)', '0'],
  'heads change their mark only after the next one': ['#unsettle', 'joinMark($$$)'],
}

const removals: Readonly<Record<string, Patch>> = {
  'a removal hides only lower numbers': ['isRemoved', 'n <=', 'n <'],
  'registering does not exceed what was removed': ['highestNumber', '.removedUpTo(id)', '0'],
  'the lesser owner wins': ['instances', 'compareIds(a.owner, b.owner)', 'compareIds(b.owner, a.owner)'],
  'removals are not copied when their writer is fenced': ['fence', 'removal !== undefined', 'false'],
  'definitions are not copied when their writer is fenced': ['fence', '.#copyDefinition($$$)'],
  'whoever says goodbye is over': ['#isOver', 'this.#state.records.union.node(owner)?.transient === true', 'true'],
  'who leaves for a restart is over': ['#isOver', 'left?.restartGrace_s === 0', 'left !== undefined'],
  'fences are not noted': ['Fences.note', '.#noted.set($$$)'],
  'who knows a fence from a note alone keeps it to itself': ['fenceAgain', '.fenceUpTo($$$)'],
  'an owner forgets what it dropped without a removal': ['deregisterOwn', '.#keepNumber($$$)'],
  'own records that are beaten stay': ['dropBeaten', '.isBeaten($$$)', 'false'],
  'a removal ends when the wall clock says so': ['expiryClock', 'Math.min(wall, $$$)', 'Math.max(wall, now)'],
  'what a machine without a clock noted counts': ['latestOf', 'date >= firstDay_ms', 'true'],
  'a clock behind the disk is believed': ['corrected', 'proven <= wall + tolerance_ms', 'true'],
  'a clock that is set is noted ten minutes later': ['corrected', 'Math.abs($$$) > step_ms', 'false'],
  'what was removed in 1970 is over': ['isOver', 'since_ms >= firstDay_ms', 'true'],
  'a stale node gives away what it holds': ['#answerSync', 'const parcels = isStale ?', 'const parcels = false ?'],
  'stamps of equal height are decided by the lesser writer': [
    'definitions',
    'compareIds(a.value.writer, b.value.writer)',
    'compareIds(b.value.writer, a.value.writer)',
  ],
}

const starts: Readonly<Record<string, Patch>> = {
  'it speaks before its generation is on disk': ['rules', 'starting: { maySpeak: false', 'starting: { maySpeak: true'],
  'what was written before an adoption is lost': ['adopt', 'rewrite($$$)'],
  'a live clone goes on': ['authorOf', '.boot < head.boot', 'false'],
  'acknowledged before it is on disk': [
    'Commits.commit',
    '[...published, storing(this.#inFlight)]',
    '[...published, storing(this.#inFlight)], released: { waiting: this.#inFlight.waiting.splice(0) }',
  ],
  'an update spans an epoch': [
    'Commits.commit',
    'isRebased ? this.publish(now, true)',
    'false ? this.publish(now, true)',
  ],
  'other news wait for a first check, too': ['FirstChecks.heldUntil', 'until ?? atOnce', 'until ?? Infinity'],
  'a first check that never ends is waited for for ever': ['dueAt', 'Math.max(paced, Math.min($$$))', 'Infinity'],
  'a first check is not waited for': ['dueAt', 'isMoreComing ?', 'false ?'],
  'a node that moves keeps its first url': ['#saveNode', 'url: this.#url', 'url: this.#start.node.url'],
  'a gap is never pulled': ['tick', '.pull($$$)'],
  'neighbours out of step are left alone': ['reconcile', '.sync($$$)'],
}

const checks: Readonly<Record<string, Patch>> = {
  'a change to bad is left alone for an interval': ['#askAgain', 'isNews ? 0 : undefined', 'undefined'],
  'a registration that changes nothing is no news': ['check', '.#awaitNews(id)'],
  'bad news of another kind begins anew': ['#askAgain', '.#againById.some($$$)', 'false'],
}

const lookups: Readonly<Record<string, Patch>> = {
  'a url of loopback is one for all nodes': ['idOf', 'isOfItsNode(url) ? self : undefined', 'undefined'],
  'a url of loopback found elsewhere is taken over': [
    'idAt',
    'owner !== undefined && this.#winners.get(known)?.owner !== owner',
    'false',
  ],
  'an IPv4 address within an IPv6 one is not looked at': ['isIpv6OfItsMachine', 'sixth !== 0xffff', 'true'],
  'a rotation begins anew with each change': ['#goOn', 'place === undefined', 'true'],
  'a rotation stays at the one that came last': [
    'indexAfter',
    '(ids[middle] as string) > last',
    '(ids[middle] as string) >= last',
  ],
  'a lookup moves whose turn it is': ['suggest', 'this.#suggestions', 'this.#picks'],
  'an empty list of tags is stored': ['mergeFacts', 'tags.length > 0', 'true'],
}

export const patches: Readonly<Record<string, Patch>> = {
  ...membership,
  ...documents,
  ...removals,
  ...starts,
  ...checks,
  ...lookups,
}
