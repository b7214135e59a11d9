// Mutants that no test can catch, each with its reason. A survivor that is not in here is a hole in the tests.
import type { Mutant, Place } from './mutant.js'

export interface Equivalent extends Place {
  /** How many places of the file are just like that, all of them meant; one where it is left out. */
  readonly times?: number
  readonly because: string
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'src/core/wire/codec.ts',
    change: '8 → (8 * 2)',
    in: 'this.#reserve(8)',
    because: 'room is reserved in a buffer before it is written to; more room changes no byte',
  },
  {
    file: 'src/core/wire/codec.ts',
    change: '6 → (6 * 2)',
    in: 'this.#reserve(6)',
    because: 'room is reserved in a buffer before it is written to; more room changes no byte',
  },
  {
    file: 'src/core/wire/codec.ts',
    change: '2 → (2 * 2)',
    in: 'const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))',
    because: 'a buffer that is too small grows; growing further changes no byte',
  },
  {
    file: 'src/core/registry/registry.ts',
    change: 'statement → nothing',
    in: 'if (now < this.#tickAt) return',
    because: 'a look at the clock that comes early costs time and decides nothing that the next one would not',
  },
  {
    file: 'src/core/replica/replica.ts',
    change: '8 → (8 * 2)',
    in: 'for (let i = 0; i < 8; i++) digest[i] = (digest[i] as number) ^ (mark[i] as number)',
    because: 'a digest has eight bytes; what is written behind the end of a typed array is dropped',
  },
  {
    file: 'src/core/replica/replica.ts',
    change: '8 → (8 * 2)',
    in: 'return crypto.hash(signed.bytes).slice(0, 8)',
    because: 'of a mark only as many bytes are read as a digest has: eight',
  },
  {
    file: 'src/core/registry/reading.ts',
    change: '0 → 1',
    in: 'version: this.#parts.desk.replica.head(id)?.version ?? 0,',
    because: 'the version of a member without a head: there is none, since a member begins with its head',
  },
  {
    file: 'src/core/replica/replica.ts',
    change: '128 → (128 * 2)',
    in: 'const foldAfterBytes = 128 * 1024',
    because: 'from which size on updates on disk are folded: chosen for what it costs, not for what it says',
  },
  {
    file: 'src/core/registry/folding.ts',
    change: '256 → (256 * 2)',
    in: 'const foldAfterBytes = 256 * 1024',
    because: 'from which size on updates on disk are folded: chosen for what it costs, not for what it says',
  },
  {
    file: 'src/core/registry/intake.ts',
    change: 'statement → nothing',
    in: 'if (now - (this.#disputedAt.get(owner) ?? Number.NEGATIVE_INFINITY) < disputePause_ms) return',
    because: 'a pace: without it the same two documents are shown to their owner more often, with the same end',
  },
  {
    file: 'src/core/registry/commands.ts',
    change: 'statement → nothing',
    in: 'if (entry.stamp !== winner.stamp || entry.writer !== winner.writer) return',
    because: 'a definition that has lost is copied, and dropped as beaten before the same input is over',
  },
  {
    file: 'src/core/registry/links.ts',
    change: '0 → 1',
    in: 'for (let i = 0; i < chanceLinks; i++) {',
    because: 'three links by chance instead of four: how many there are is a choice, and the rings alone hold together',
  },
  {
    file: 'src/core/registry/exchange.ts',
    change: 'gap.steps.length < waitingSteps → <=',
    in: 'if (canWait && gap.steps.length < waitingSteps) gap.steps.push({ parcel: detached(parcel), via })',
    because: 'sixteen steps may wait, or seventeen: what finds no room comes with the pull',
  },
  {
    file: 'src/core/registry/exchange.ts',
    change: 'now - askedAt < removeTimeout_ms → <=',
    in: "if (purpose !== 'remove' || now - askedAt < removeTimeout_ms) continue",
    because: 'a question is given up at the tick of its deadline or at the next one',
  },
  {
    file: 'src/core/registry/exchange.ts',
    change: 'now - (exchange.reconciledAt ?? Number.NEGATIVE_INFINITY) < → <=',
    in: 'const isFresh = now - (exchange.reconciledAt ?? Number.NEGATIVE_INFINITY) < syncPause_ms',
    because: 'a neighbour is asked again after two seconds, or a millisecond later',
  },
  {
    file: 'src/core/registry/exchange.ts',
    change: 'now < gap.deadline → <=',
    in: 'if (gap.deadline === undefined || now < gap.deadline) continue',
    because: 'a missing piece is pulled at the tick of its deadline or at the next one',
  },
  {
    file: 'src/core/registry/links.ts',
    change: '0 → 1',
    in: 'gone.sort((a, b) => (a.places[0] as number) - (b.places[0] as number))',
    times: 2,
    because: 'of those who are gone some are dialled, and chance says which: any order that lasts will do',
  },
  {
    file: 'src/core/registry/links.ts',
    change: '0 → 1',
    in: 'return [...gone.slice(first), ...gone.slice(0, first)].slice(0, goneDialled).map(({ id }) => id)',
    times: 2,
    because: 'chance draws where to begin: one fewer at a time, or another one, and still each of them has its turn',
  },
  {
    file: 'src/core/registry/forgetting.ts',
    change: 'silence_ms < forgetAfter_ms + turn * stagger_ms → <=',
    in: 'if (turn < 0 || silence_ms < forgetAfter_ms + turn * stagger_ms) continue',
    because: 'who has been silent for three days to the millisecond is forgotten at this look or at the next',
  },
  {
    file: 'src/core/membership/observers.ts',
    change: 'statement → nothing',
    in: 'if (known !== undefined && this.#holds(id, known)) return known.observers',
    because: 'a choice is kept for its cost: made anew it is the same as long as the rings are',
  },
  {
    file: 'src/core/membership/observers.ts',
    change: 'statement → nothing',
    in: 'this.#answers.set(id, { observers, version: this.#version })',
    because: 'a choice is kept for its cost: made anew it is the same as long as the rings are',
  },
  {
    file: 'src/core/membership/observers.ts',
    change: 'statement → nothing',
    in: 'if (answer.version === this.#version) return true',
    because: 'a choice that is kept is looked at again for its cost alone: where nothing has changed it holds',
  },
  {
    file: 'src/core/membership/observers.ts',
    change: 'statement → nothing',
    in: 'answer.version = this.#version',
    because: 'a choice that was seen to hold is not looked at again, for its cost alone',
  },
  {
    file: 'src/core/membership/members.ts',
    change: '1 → 2',
    in: 'this.#version += 1',
    times: 3,
    because: 'a version is compared with what it was; by how much it rose says nothing',
  },
  {
    file: 'src/core/membership/members.ts',
    change: '0 → 1',
    in: '#version = 0',
    because: 'a version is compared with what it was; where it began says nothing',
  },
  {
    file: 'src/core/registry/links.ts',
    change: 'false → true',
    in: '#isToBeTold = false',
    because: 'the first look draws in any case, and what was drawn is to be told',
  },
  {
    file: 'src/core/wire/beat.ts',
    change: '512 → (512 * 2)',
    in: 'const writer = new Writer(512).uint(kinds.vitals)',
    because: 'a writer grows where its first room does not do',
  },
  {
    file: 'src/core/membership/membership.ts',
    change: '1 → 2',
    in: '#watchedVersion = -1',
    because: 'no version is negative: any such number is none that was seen',
  },
  {
    file: 'src/core/lookup.ts',
    change: '1 → 2',
    in: 'const turn = this.#firstTurn % Math.max(1, known.length)',
    because: 'a turn beyond the end is taken modulo the candidates, as every turn is',
  },
  {
    file: 'src/core/registry/pulse.ts',
    change: '2000 → (2000 * 2)',
    in: 'const settled_ms = 2000',
    because:
      'how long a changed head rests before digests cover it is a choice: a difference is told two seconds later',
  },
  {
    file: 'src/core/registry/journal.ts',
    change: '1000 → (1000 * 2)',
    in: 'const retry_ms = 1000',
    because: 'how soon a refused write is tried again is a choice',
  },
  {
    file: 'src/core/registry/journal.ts',
    change: '0 → 1',
    in: '#version = 0',
    because: 'versions need only rise: it does not matter where they begin',
  },
  {
    file: 'src/core/registry/pulse.ts',
    change: '10_000 → (10000 * 2)',
    in: 'const farewellInterval_ms = 10_000',
    because: 'how often a farewell is said again to one who may have lost it is a choice',
  },
  {
    file: 'src/core/registry/commands.ts',
    change: 'known.n <= union.removedUpTo(key) → <',
    in: 'known.n <= union.removedUpTo(key) || [...union.records(key).keys()].some((owner) => owner !== self)',
    because: 'a removal up to the same number stands already: another one hides nothing more',
  },
  {
    file: 'src/core/registry/reading.ts',
    change: '1 → 2',
    in: 'return a.id < b.id ? -1 : a.id > b.id ? 1 : 0',
    times: 2,
    because: 'a sort asks for the sign of a comparison, not for its size',
  },
  {
    file: 'src/core/registry/reading.ts',
    change: 'a.head.owner < b.head.owner → <=',
    in: 'signed.sort((a, b) => (a.head.owner < b.head.owner ? -1 : 1))',
    because: 'no owner has two heads here',
  },
  {
    file: 'src/core/registry/folding.ts',
    change: '1024 → (1024 * 2)',
    in: 'const foldAfterBytes = 256 * 1024',
    because: 'from which size on updates on disk are folded: chosen for what it costs, not for what it says',
  },
  {
    file: 'src/core/registry/vitals.ts',
    change: '3 → (3 * 2)',
    in: 'bytes += 3 * json.length + overheadBytes // three bytes a character at the most',
    because: 'an estimate from above: with a greater one fewer go with a frame, and the rest with the next one',
  },
  {
    file: 'src/core/document/document.ts',
    change: '2 → (2 * 2)',
    in: 'return this.#content.structs > 2 * this.#entries.size + 64',
    because: 'after how many overwrites a document begins anew: chosen for what it costs, not for what it says',
  },
  {
    file: 'src/core/replica/union.ts',
    change: '1024 → (1024 * 2)',
    in: 'removals: 1024,',
    because: 'how long an entry may be: a bound well above what any honest daemon writes',
  },
  {
    file: 'src/core/model.ts',
    change: 'port > 0 → >=',
    in: "if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535) return port",
    because: 'port 0 was answered a line before',
  },
  {
    file: 'src/core/registry/horizon.ts',
    change: '64 → (64 * 2)',
    in: 'const notesPerTick = 64',
    because: 'a pace: so many more fences are noted in one tick, and so many fewer in the next',
  },
  {
    file: 'src/core/replica/union.ts',
    change: '64 → (64 * 2)',
    in: 'node: 64 * 1024,',
    because: 'how long a record may be: a bound well above what any honest daemon writes',
  },
  {
    file: 'src/core/replica/union.ts',
    change: '1024 → (1024 * 2)',
    in: 'instances: 64 * 1024,',
    because: 'how long a record may be: a bound well above what any honest daemon writes',
  },
  {
    file: 'src/core/lookup.ts',
    change: 'inDoubt → !(inDoubt)',
    in: 'const cache = inDoubt ? this.#lastKnown : this.#listings',
    because:
      'two stores of one kind, emptied together: each question keeps to one of them, and it does not matter to which',
  },
  {
    file: 'src/core/membership/member.ts',
    change: '64 → (64 * 2)',
    in: 'const marksKept = 64',
    because: 'how much is kept of what changes nothing any more: a bound for memory, and a choice',
  },
  {
    file: 'src/core/membership/member.ts',
    change: '0 → 1',
    in: 'sequence: 0,',
    because: 'nobody asks for it before a first word has set it: no generation has been heard until then',
  },
]

/** Why no test can catch this mutant; undefined where one should. */
export function becauseOf({ place }: Mutant): string | undefined {
  return place && equivalents.find((row) => isAt(row, place))?.because
}

/** What is wrong with rows whose places are no longer there, or are not as many as they say: code has moved under them. */
export function stale(places: readonly Place[]): string[] {
  return equivalents.flatMap((row) => {
    const times = places.filter((place) => isAt(row, place)).length
    if (times === (row.times ?? 1)) return []
    return [`${row.file} has ${times} places, not ${row.times ?? 1}, for ${row.change} in: ${row.in}`]
  })
}

function isAt(row: Equivalent, place: Place): boolean {
  return row.file === place.file && row.change === place.change && row.in === place.in
}
