// The bugs themselves, by the part of the core that they are in.
import type { Patch } from './chosen.js'

const membership: readonly Patch[] = [
  {
    name: 'H is one too low: a single observer hides',
    file: 'src/core/membership/formulas.ts',
    find: 'Math.min(observers, Math.max(2, Math.ceil(observers / 3)))',
    replace: 'Math.min(observers, Math.max(1, Math.ceil(observers / 3) - 1))',
  },
  {
    name: 'H is one too high',
    file: 'src/core/membership/formulas.ts',
    find: 'Math.min(observers, Math.max(2, Math.ceil(observers / 3)))',
    replace: 'Math.min(observers, Math.max(2, Math.ceil(observers / 3)) + 1)',
  },
  {
    name: 'refutations raise no bar',
    file: 'src/core/membership/formulas.ts',
    find: 'return Math.max(1, base, Math.min(base + refutations, majority))',
    replace: 'return Math.max(1, base)',
  },
  {
    name: 'reports never expire',
    file: 'src/core/membership/reports.ts',
    find: '  if (now >= report.until) return false\n',
    replace: '',
  },
  {
    name: 'reports of an earlier generation count',
    file: 'src/core/membership/reports.ts',
    find: 'return report.generation === accused.generation && report.incarnation >= accused.incarnation',
    replace: 'return report.incarnation >= accused.incarnation',
  },
  {
    name: 'a refutation makes no report void',
    file: 'src/core/membership/reports.ts',
    find: 'return report.generation === accused.generation && report.incarnation >= accused.incarnation',
    replace: 'return report.generation === accused.generation',
  },
  {
    name: 'an old report replaces a newer one of its author',
    file: 'src/core/membership/reports.ts',
    find: '!isLater(saying, known) || ',
    replace: '',
  },
  {
    name: 'nobody refutes',
    file: 'src/core/membership/defence.ts',
    find: '    if (standing.length < needed) return false\n',
    replace: '    if (needed >= 0) return false\n',
  },
  {
    name: 'every single report is refuted',
    file: 'src/core/membership/defence.ts',
    find: '    if (standing.length < needed) return false\n',
    replace: '    if (standing.length === 0) return false\n',
  },
  {
    name: 'the freshest news are passed on first',
    file: 'src/core/membership/relay.ts',
    find: 'for (let missed = places.length - 1; missed >= 0; missed--) {',
    replace: 'for (let missed = 0; missed < places.length; missed++) {',
  },
  {
    name: 'who missed much is told no more at once than others',
    file: 'src/core/membership/formulas.ts',
    find: 'return missed > 2 * round ? wireLimits.relayedHeartbeats : relaysUsual',
    replace: 'return relaysUsual',
  },
  {
    name: 'what was told is told again and again',
    file: 'src/core/membership/relay.ts',
    find: 'if (missed > 0 && isWorthTelling(item))',
    replace: 'if (missed >= 0 && isWorthTelling(item))',
  },
  {
    name: 'all daemons pass on in one order',
    file: 'src/core/membership/relay.ts',
    find: 'const first = this.#chance(equal.length)',
    replace: 'const first = 0',
  },
  {
    name: 'hearsay raises a generation',
    file: 'src/core/membership/membership.ts',
    find: 'if (member === undefined || relayed.generation !== member.generation) return',
    replace: 'if (member === undefined || relayed.generation < member.generation) return',
  },
  {
    name: 'a heartbeat of an earlier generation counts',
    file: 'src/core/membership/membership.ts',
    find: "    if (beat.generation < Math.max(member.generation, member.heardGeneration)) return 'old'\n",
    replace: '',
  },
  {
    name: 'reports by the dead count',
    file: 'src/core/membership/membership.ts',
    find: 'observers.includes(author) && this.isAlive(author)',
    replace: 'observers.includes(author)',
  },
  {
    name: 'who slept counts what it missed as silence',
    file: 'src/core/membership/membership.ts',
    find: '    this.#awakeSince = now\n',
    replace: '',
  },
  {
    name: 'a report is not taken back',
    file: 'src/core/membership/reports.ts',
    find: 'const until = withdrawn === true ? now : now + reportStanding_ms',
    replace: 'const until = now + reportStanding_ms',
  },
  {
    name: 'nobody doubts itself',
    file: 'src/core/membership/watch.ts',
    find: 'const doubtful = silent >= 3 && silent > watched / 2',
    replace: 'const doubtful = false as boolean',
  },
  {
    name: 'an observer learns nothing from reports that were wrong',
    file: 'src/core/membership/watch.ts',
    find: '  member.mistakes.push(now)\n',
    replace: '',
  },
  {
    name: 'who hears badly takes hearsay as whole as anybody does',
    file: 'src/core/membership/watch.ts',
    find: '    if (doubtful && silent < watched) this.#doubtedAt = now\n',
    replace: '',
  },
  {
    name: 'a silence from before the hiding counts for death',
    file: 'src/core/membership/member.ts',
    find: 'at.now - Math.max(member.unwellSince, member.since)',
    replace: 'at.now - member.unwellSince',
  },
  {
    name: 'of a message only the first report counts',
    file: 'src/core/membership/membership.ts',
    find: 'for (const about of report.about) if',
    replace: 'for (const about of report.about.slice(0, 1)) if',
  },
  {
    name: 'what was reported before a death holds down whoever is heard after it',
    file: 'src/core/membership/member.ts',
    find: '  expire(member.reports, now)\n',
    replace: '',
  },
  {
    name: 'what was said of one that died is not taken back when it is heard again',
    file: 'src/core/membership/watch.ts',
    find: "    if (member.state !== 'dead') member.reportDue = undefined\n",
    replace: '    member.reportDue = undefined\n',
  },
  {
    name: 'who observes whom is not asked anew when an observer goes',
    file: 'src/core/membership/observers.ts',
    find: '    if (!answer.observers.every((observer) => this.#standing.has(observer))) return false\n',
    replace: '',
  },
  {
    name: 'who observes whom is not asked anew when an observer comes',
    file: 'src/core/membership/observers.ts',
    find: '      for (const subject of followers(ring, i, at)) this.#answers.delete(subject)\n',
    replace: '',
  },
  {
    name: 'a refused dial is no evidence',
    file: 'src/core/membership/watch.ts',
    find: '  if (member.refused) return true\n',
    replace: '',
  },
  {
    name: 'a farewell is not heard',
    file: 'src/core/membership/membership.ts',
    find: '    if (member !== undefined) member.directAt = undefined\n',
    replace: '',
  },
  {
    name: 'nothing is held against who was hidden',
    file: 'src/core/membership/formulas.ts',
    find: 'return Math.min(500 * 2 ** (Math.max(1, hidings) - 1), 300_000)',
    replace: 'return 500',
  },
  {
    name: 'there is no slow path',
    file: 'src/core/membership/member.ts',
    find: 'return silenceOf(member, at) > slowPath_ms(at.members)',
    replace: 'return false',
  },
  {
    name: 'who is reported for long is dead, though it is heard of',
    file: 'src/core/membership/member.ts',
    find: 'Math.min(unwellFor, silenceOf(member, at))',
    replace: 'unwellFor',
  },
  {
    name: 'the hidden never die',
    file: 'src/core/membership/member.ts',
    find: "if (member.state === 'dead' || silentFor < deadAfter_ms(at.members)) return undefined",
    replace: 'return undefined',
  },
  {
    name: 'a goodbye is not looked at',
    file: 'src/core/membership/membership.ts',
    find: '    member.left = head.left !== undefined\n',
    replace: '',
  },
  {
    name: 'seven observers instead of eight',
    file: 'src/core/membership/observers.ts',
    find: 'export const ringCount = 8\n',
    replace: 'export const ringCount = 7\n',
  },
  {
    name: 'digests of heartbeats are not compared',
    file: 'src/core/registry/pulse.ts',
    find: 'neighbour.mismatches = this.#isKnownDigest(hex(frame.digest), now) ? 0 : neighbour.mismatches + 1',
    replace: 'neighbour.mismatches = 0',
  },
  {
    name: 'one differing heartbeat is enough to be out of step',
    file: 'src/core/registry/pulse.ts',
    find: 'const mismatchesTolerated = 3\n',
    replace: 'const mismatchesTolerated = 1\n',
  },
  {
    name: 'links that nobody needs are kept',
    file: 'src/core/registry/links.ts',
    find: '    if (!mayClose) return\n',
    replace: '    return\n',
  },
  {
    name: 'the dead are not dialled again',
    file: 'src/core/registry/links.ts',
    find: "    for (const id of this.#inTurn('dead', now)) wanted.add(id)\n",
    replace: '',
  },
  {
    name: 'instances of the dead go at once',
    file: 'src/core/registry/roster.ts',
    find: "(member.state === 'dead' && age_ms > dormantAfterDeath_ms)",
    replace: "member.state === 'dead'",
  },
]

const documents: readonly Patch[] = [
  {
    name: 'a signature is not checked',
    file: 'src/core/replica/replica.ts',
    find: "    if (!verifyHead(signed, this.#crypto)) return { type: 'refused', reason: 'bad signature' }\n",
    replace: '',
  },
  {
    name: 'the digest of a full content is not compared',
    file: 'src/core/document/document.ts',
    find: 'if (!fits(entries) || !equalBytes(entries.digest(), signed.head.digest)) return undefined',
    replace: 'if (!fits(entries)) return undefined',
  },
  {
    name: 'the digest of an update is not compared',
    file: 'src/core/document/document.ts',
    find: 'if (!isRight || !equalBytes(this.#entries.digest(), signed.head.digest)) {',
    replace: 'if (!isRight) {',
  },
  {
    name: 'an update may start anywhere',
    file: 'src/core/document/document.ts',
    find: 'const startsHere = step.fromEpoch === head.epoch && step.fromVersion === head.version',
    replace: 'const startsHere = step.fromEpoch === head.epoch',
  },
  {
    name: 'a generation that knows nothing of the last one replaces it',
    file: 'src/core/replica/replica.ts',
    find: "if (held !== undefined && isBehind(head, held.document.signed.head)) return { type: 'behind' }",
    replace: '',
  },
  {
    name: 'what is fenced may come back',
    file: 'src/core/replica/replica.ts',
    find: "    if (this.isFenced(head)) return { type: 'fenced' }\n",
    replace: '',
  },
  {
    name: 'a fence ends one generation too few',
    file: 'src/core/replica/replica.ts',
    find: 'return generation <= this.#fencedUpTo(owner)',
    replace: 'return generation < this.#fencedUpTo(owner)',
  },
  {
    name: 'the boot id does not order heads',
    file: 'src/core/wire/head.ts',
    find: 'return comparePoints(a, b) || (a.boot < b.boot ? -1 : a.boot > b.boot ? 1 : 0)',
    replace: 'return comparePoints(a, b)',
  },
  {
    name: 'heads change their mark only after the next one',
    file: 'src/core/replica/replica.ts',
    find: '    if (held.mark !== undefined) joinMark(this.#settled, held.mark)\n',
    replace: '',
  },
]

const removals: readonly Patch[] = [
  {
    name: 'a removal hides only lower numbers',
    file: 'src/core/lookup.ts',
    find: 'winner.record.n > this.#union.removedUpTo(id)',
    replace: 'winner.record.n >= this.#union.removedUpTo(id)',
  },
  {
    name: 'registering does not exceed what was removed',
    file: 'src/core/replica/union.ts',
    find: '    let number = this.removedUpTo(id)\n',
    replace: '    let number = 0\n',
  },
  {
    name: 'the lesser owner wins',
    file: 'src/core/replica/union.ts',
    find: 'return a.record.n - b.record.n || (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0)',
    replace: 'return a.record.n - b.record.n || (a.owner < b.owner ? 1 : a.owner > b.owner ? -1 : 0)',
  },
  {
    name: 'removals are not copied when their writer is fenced',
    file: 'src/core/registry/commands.ts',
    find: '      if (removal !== undefined) this.remove(id, removal.n, wall)\n',
    replace: '',
  },
  {
    name: 'definitions are not copied when their writer is fenced',
    file: 'src/core/registry/commands.ts',
    find: "    for (const id of document.entries.of('definitions').keys()) this.#copyDefinition(owner, id, wall)\n",
    replace: '',
  },
  {
    name: 'fences are not noted',
    file: 'src/core/registry/horizon.ts',
    find: '    this.#fences.set(owner, { head, seenAt: wall })\n',
    replace: '',
  },
  {
    name: 'who knows a fence from a note alone keeps it to itself',
    file: 'src/core/registry/intake.ts',
    find: 'if (fence !== undefined && desk.journal.isOpen) commands.fenceUpTo(fence, wall)',
    replace: '',
  },
  {
    name: 'an owner forgets what it dropped without a removal',
    file: 'src/core/registry/commands.ts',
    find: '    this.#droppedUnsaid.set(id, n)\n',
    replace: '',
  },
  {
    name: 'own records that are beaten stay',
    file: 'src/core/registry/commands.ts',
    find: "    for (const id of instances) if (union.isBeaten(id, self)) journal.set('instances', id, undefined)\n",
    replace: '',
  },
  {
    name: 'a removal ends when the wall clock says so',
    file: 'src/core/registry/horizon.ts',
    find: 'return Math.min(wall, this.#start.wall + (now - this.#start.now) + clockTrust_ms)',
    replace: 'return Math.max(wall, now)',
  },
  {
    name: 'a stale node gives away what it holds',
    file: 'src/core/registry/exchange.ts',
    find: '    if (!this.#parts.isStale()) {\n',
    replace: '    {\n',
  },
  {
    name: 'stamps of equal height are decided by the lesser writer',
    file: 'src/core/replica/records.ts',
    find: 'return a.stamp - b.stamp || (a.writer < b.writer ? -1 : a.writer > b.writer ? 1 : 0)',
    replace: 'return a.stamp - b.stamp || (a.writer < b.writer ? 1 : a.writer > b.writer ? -1 : 0)',
  },
]

const starts: readonly Patch[] = [
  {
    name: 'it speaks before its generation is on disk',
    file: 'src/core/registry/opening.ts',
    find: '    return this.#isGenerationDurable\n',
    replace: '    return true\n',
  },
  {
    name: 'what was written before an adoption is lost',
    file: 'src/core/registry/journal.ts',
    find: '    for (const change of written) rewrite(change, this.#baseline)\n',
    replace: '',
  },
  {
    name: 'a live clone goes on',
    file: 'src/core/registry/intake.ts',
    find: 'return continued !== undefined && head.generation > continued && this.#parts.boot < head.boot',
    replace: 'return continued !== undefined && head.generation > continued && this.#parts.boot === head.boot',
  },
  {
    name: 'acknowledged before it is on disk',
    file: 'src/core/registry/journal.ts',
    find: '  whenDurable(waiting: Waiting): void {\n    this.#waiting.push(waiting)\n',
    replace: '  whenDurable(waiting: Waiting): void {\n    waiting(undefined)\n',
  },
  {
    name: 'an update spans an epoch',
    file: 'src/core/registry/journal.ts',
    find: '      this.publish(now, true) // an update never spans a new epoch\n',
    replace: '',
  },
  {
    name: 'a gap is never pulled',
    file: 'src/core/registry/exchange.ts',
    find: '      this.pull(owner, via, now)\n      if',
    replace: '      if',
  },
  {
    name: 'neighbours out of step are left alone',
    file: 'src/core/registry/exchange.ts',
    find: '    exchange.reconciledAt = now\n    this.sync(peer, now)\n',
    replace: '    exchange.reconciledAt = now\n',
  },
]

export const patches: readonly Patch[] = [...membership, ...documents, ...removals, ...starts]
