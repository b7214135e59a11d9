// The words of a trace: how heads, changes of entries and messages read. Generations are counted from 1 once the whole story is known.
import type { Change } from '../../../src/core/document/entries.js'
import type { BeatFrame } from '../../../src/core/wire/beat.js'
import type { About, ReportMessage, UpdateMessage } from '../../../src/core/wire/gossip.js'
import { type Head, type Point, decodeHead } from '../../../src/core/wire/head.js'
import type { ActOutcome, Holding, Parcel, SyncRequest, SyncResponse } from '../../../src/core/wire/sync.js'

type Fields = Readonly<Record<string, unknown>>

export class Words {
  readonly #generations = new Map<string, Set<number>>()
  /** Which machine started with a boot id. */
  readonly #machines = new Map<string, string>()
  readonly #digests = new Map<string, number>()

  /** A machine signs its first head with this boot id. */
  meet(machine: string, boot: string): void {
    if (!this.#machines.has(boot)) this.#machines.set(boot, machine)
  }

  /** Stands for `g1`, `g2`, … until all generations of the owner are known. */
  generation(owner: string, generation: number): string {
    const known = this.#generations.get(owner) ?? new Set<number>()
    this.#generations.set(owner, known.add(generation))
    return `⟨${owner} ${generation}⟩`
  }

  /** A text of this story with its generations counted. */
  counted(text: string): string {
    return text.replace(/⟨(\S+) (\d+)⟩/g, (_, owner: string, generation: string) => {
      const all = [...(this.#generations.get(owner) ?? [])].sort((a, b) => a - b)
      return `g${all.indexOf(Number(generation)) + 1}`
    })
  }

  point(owner: string, { generation, version }: Point): string {
    return `${this.generation(owner, generation)} v${version}`
  }

  /** Of two daemons with one key it says whose it is. */
  #pointOf(owner: string, origin: Point & { readonly boot: string }): string {
    const machine = this.#machines.get(origin.boot) ?? owner
    return `${this.point(owner, origin)}${machine === owner ? '' : ` by ${machine}`}`
  }

  /** `g2 v5 (continues g1 v4; goodbye)`, with what is special about it. */
  head(head: Head, before?: Head): string {
    const special = [
      head.parent !== undefined && head.generation !== before?.generation
        ? `continues ${this.point(head.owner, head.parent)}`
        : '',
      head.epoch !== (before?.epoch ?? 1) ? `epoch ${head.epoch}` : '',
      head.incarnation > (before?.incarnation ?? 0) ? `incarnation ${head.incarnation}` : '',
      head.left === undefined || before?.left?.restartGrace_s === head.left.restartGrace_s ? '' : goodbye(head.left),
    ].filter((part) => part !== '')
    return this.#pointOf(head.owner, head) + (special.length > 0 ? ` (${special.join('; ')})` : '')
  }

  change({ map, key, before, after }: Change): string {
    const was = fieldsOf(before)
    const is = fieldsOf(after)
    switch (map) {
      case 'node':
        return 'its node record'
      case 'instances':
        return instance(key, was, is)
      case 'definitions':
        if (after === undefined) return `without definition ${key}`
        return `${is['definition'] === undefined ? 'deletion mark of' : 'definition'} ${key} (stamp ${String(is['stamp'])}, written by ${String(is['writer'])})`
      case 'removals':
        return after === undefined ? `without the removal of ${key}` : `removal of ${key}#${String(is['n'])}`
      case 'fences':
        return after === undefined ? `without the fence of ${key}` : `fence of ${key} ${this.#fenced(key, is)}`
    }
  }

  #fenced(owner: string, { head }: Fields): string {
    const signed = decodeHead(Uint8Array.from(Buffer.from(String(head), 'hex')))
    return signed === undefined ? '' : `up to ${this.generation(owner, signed.head.generation)}`
  }

  changes(changes: readonly Change[]): string {
    return changes.length === 0 ? 'nothing but its head' : changes.map((change) => this.change(change)).join(', ')
  }

  update({ signed, step }: UpdateMessage): string {
    const { owner, left } = signed.head
    const head = `head ${this.#pointOf(owner, signed.head)}${left === undefined ? '' : `: ${goodbye(left)}`}`
    if (step === undefined) return `${head}; its update is too large for gossip`
    if (step.fromVersion === 0) return `${head}, with all of its document`
    return `${head}, ${step.bytes.length === 0 ? 'content as in' : 'with the update from'} v${step.fromVersion}`
  }

  /** With a `%` for its subject. */
  report({ incarnation, withdrawn }: About): string {
    const what = incarnation === 0 ? '%' : `% in incarnation ${incarnation}`
    return withdrawn === true ? `report taken back: ${what}` : `report of silence: ${what}`
  }

  beat(frame: Exclude<BeatFrame, ReportMessage>, owner: string): string {
    switch (frame.type) {
      case 'ask':
        return 'I am your observer and hear nothing'
      case 'farewell':
        return 'farewell: expect no heartbeats of me'
      case 'able':
        return 'I answer when I am asked whether I live'
      case 'passing':
        return 'I pass on questions whether somebody lives'
      case 'question':
        return 'does % live?'
      case 'answer':
        return 'I live'
      case 'vitals':
        return 'vitals'
      case 'heartbeat': {
        const incarnation = frame.incarnation === 0 ? '' : `, incarnation ${frame.incarnation}`
        const generation = this.generation(owner, frame.generation)
        return `heartbeat ${frame.sequence} of ${generation}${incarnation}, registry digest ${this.#digest(frame.digest)}`
      }
    }
  }

  /** Digests are named A, B, … as they appear. */
  #digest(digest: Uint8Array): string {
    const key = String(digest)
    const number = this.#digests.get(key) ?? this.#digests.size
    this.#digests.set(key, number)
    return String.fromCharCode(65 + number)
  }

  request(request: SyncRequest): string {
    switch (request.type) {
      case 'sync':
        return request.scope === 'all' ? this.#comparison(request) : this.#pull(request.holdings)
      case 'push':
        return `here is ${this.parcels(request.parcels)}`
      case 'remove':
        return `drop your instance ${request.id}#${request.n}`
      case 'act':
        return `do to your instance ${request.id}: ${request.act}`
      case 'silences':
        return `silent: ${request.silences.map(({ owner, silence_s }) => `${owner} for ${silence_s} s`).join(', ')}`
    }
  }

  acted(outcome: ActOutcome): string {
    return outcome.ok ? `done ${outcome.value}` : `not done, ${outcome.code}: ${outcome.message}`
  }

  #comparison({ holdings, stale }: SyncRequest & { type: 'sync' }): string {
    const all = holdings.length === 0 ? 'nothing' : this.#holdings(holdings)
    return `what differs? I hold ${all}${stale ? ', and am stale' : ''}`
  }

  #pull(holdings: readonly Holding[]): string {
    const [first] = holdings
    if (first === undefined) return 'what is newer?'
    return first.generation === 0
      ? `what is there of ${first.owner}? I hold nothing`
      : `what is newer than ${this.#holdings(holdings)}?`
  }

  #holdings(holdings: readonly Holding[]): string {
    const sorted = [...holdings].sort((a, b) => (a.owner < b.owner ? -1 : 1))
    return sorted.map((holding) => `${holding.owner} ${this.#pointOf(holding.owner, holding)}`).join(', ')
  }

  /** What a message of an answer gives. */
  given(parcels: readonly Parcel[]): string {
    return parcels.length === 0 ? 'what I give is not all yet' : `here is ${this.parcels(parcels)}`
  }

  parcels(parcels: readonly Parcel[]): string {
    return parcels.map((parcel) => this.#parcel(parcel)).join('; ')
  }

  #parcel({ signed: { head }, content }: Parcel): string {
    const what = `${head.owner} ${this.#pointOf(head.owner, head)}`
    if (content.type === 'full') return `${what} in full`
    return content.bytes.length === 0
      ? `${what}, content as in v${content.fromVersion}`
      : `${what}, the update from v${content.fromVersion}`
  }

  /** What the end of an answer says; empty where it only ends it. */
  end({ wanted, witness }: SyncResponse & { type: 'end' }): string {
    const said = []
    if (wanted.length > 0) said.push(`I want ${this.#holdings(wanted)}`)
    const fence = witness.fence?.head
    if (fence !== undefined) said.push(`you are fenced up to ${this.generation(fence.owner, fence.generation)}`)
    return said.join('; ')
  }
}

function goodbye({ restartGrace_s }: { readonly restartGrace_s: number }): string {
  return restartGrace_s > 0 ? `goodbye, back within ${restartGrace_s} s` : 'goodbye'
}

function instance(id: string, was: Fields | undefined, is: Fields): string {
  if (Object.keys(is).length === 0) return `without instance ${id}#${String(was?.['n'])}`
  const name = `instance ${id}#${String(is['n'])}`
  if (was?.['n'] !== is['n']) return `${name} at ${String(is['url'])}, ${String(is['status'])}`
  return was?.['status'] === is['status'] ? `${name} changed` : `${name} now ${String(is['status'])}`
}

function fieldsOf(json: string | undefined): Fields {
  return json === undefined ? {} : (JSON.parse(json) as Fields)
}
