// What daemons are told and ask for, as lines of a trace. Routine is left out: heartbeats unless they are asked for, vitals, links,
// addresses, notes on disk, reports that are repeated, comparisons of heads that bring nothing.
import type { Command, Effect, Input, RegistryEvent } from '../../../src/core/effects.js'
import { decodeBeat } from '../../../src/core/wire/beat.js'
import { decodeGossip } from '../../../src/core/wire/gossip.js'
import { decodeSyncRequest, decodeSyncResponse } from '../../../src/core/wire/sync.js'
import type { Machine } from '../machine.js'
import type { Sent } from '../wires.js'
import { Shelf } from './shelf.js'
import { Words } from './words.js'

/** One thing that a machine does (its verb first), or says to another. */
export interface Line {
  readonly at: number
  readonly who: string
  readonly to?: string
  /** With a `%` where it names what it is about: things of which the same is said are told together. */
  readonly text: string
  readonly about?: string
  readonly exchange?: Exchange
}

/** What a story can leave out. */
export type Topic = 'members' | 'connections'

/** A question and its answers: worth telling once something comes of it. */
interface Exchange {
  readonly isComparison: boolean
  brings: boolean
}

/** What is remembered of a machine's present life. */
interface Life {
  readonly shelf: Shelf
  readonly commands: Map<number, Command>
  /** Questions that it was asked: by whom, and what comes of them. */
  readonly asked: Map<number, { readonly by: string; readonly exchange: Exchange | undefined }>
  /** Reports that it made and did not take back. */
  readonly reports: Set<string>
  /** Who refused its dials since they were last connected. */
  readonly refused: Set<string>
  /** Connections that it is closing itself. */
  readonly closing: Set<string>
}

export class Telling {
  readonly words = new Words()
  readonly #machines: () => ReadonlyMap<string, Machine>
  readonly #lives = new Map<string, Life>()
  /** By the bytes of the question, which the wires pass on as they are. */
  readonly #exchanges = new WeakMap<Uint8Array, Exchange>()
  readonly #heartbeats = new Set<string>()
  #lines: Line[] = []
  readonly leftOut = new Set<Topic>()
  isQuiet = false

  constructor(machines: () => ReadonlyMap<string, Machine>) {
    this.#machines = machines
  }

  showHeartbeats(from: string, to: string, areShown: boolean): void {
    if (areShown) this.#heartbeats.add(`${from} ${to}`)
    else this.#heartbeats.delete(`${from} ${to}`)
  }

  /** What was told since the last call. */
  take(): Line[] {
    return this.#lines.splice(0)
  }

  add(...lines: Line[]): void {
    if (!this.isQuiet) this.#lines.push(...lines)
  }

  lost(now: number, { from, to, bytes }: Sent): void {
    const message = decodeGossip(bytes)
    const what = message?.type === 'update' ? this.words.update(message) : 'a report'
    this.add({ at: now, who: from, to, text: `${what}: lost` })
  }

  watch(machine: Machine, now: number, input: Input | undefined, effects: readonly Effect[]): void {
    if (input === undefined) this.#lives.set(machine.name, newLife(Shelf.of(machine.disk)))
    const life = this.#lives.get(machine.name)
    if (life === undefined) return
    const said = [
      ...(input === undefined ? [] : this.#hears(machine, life, input, effects)),
      ...effects.flatMap((effect) => this.#does(machine, life, effect, effects)),
    ]
    for (const { topic, ...line } of joined(said))
      if (topic === undefined || !this.leftOut.has(topic)) this.add({ at: now, who: machine.name, ...line })
  }

  // ---- what a machine is told

  #hears(machine: Machine, life: Life, input: Input, effects: readonly Effect[]): Said[] {
    switch (input.type) {
      case 'checked':
        return newStatus(input.id, effects) === undefined
          ? []
          : [{ text: `checks ${input.id}: ${input.result.status}` }]
      case 'command':
        life.commands.set(input.ticket, input.command)
        return []
      case 'request':
        life.asked.set(input.id, {
          by: this.#nameOf(machine, input.from),
          exchange: this.#exchanges.get(input.bytes),
        })
        return []
      case 'connected':
        life.refused.delete(input.peer)
        return [{ topic: 'connections', text: 'is connected with %', about: this.#nameOf(machine, input.peer) }]
      case 'disconnected':
        if (life.closing.delete(input.peer)) return []
        return [{ topic: 'connections', text: 'loses its connection with %', about: input.peer }]
      case 'refused':
        if (life.refused.has(input.peer)) return []
        life.refused.add(input.peer)
        return [{ topic: 'connections', text: 'dials %: refused', about: input.peer }]
      default:
        return []
    }
  }

  /** The machine behind a peer id: of two with one key, the one that the connection leads to. */
  #nameOf(machine: Machine, peer: string): string {
    for (const name of machine.connected) if (this.#machines().get(name)?.self === peer) return name
    return peer
  }

  // ---- what it does

  #does(machine: Machine, life: Life, effect: Effect, all: readonly Effect[]): Said[] {
    switch (effect.type) {
      case 'broadcast':
        return this.#broadcast(life, effect.bytes)
      case 'beat':
        return this.#beat(machine, effect)
      case 'request':
        return this.#request(machine, effect)
      case 'reply':
        return this.#reply(life, effect)
      case 'redial':
        life.closing.add(effect.peer)
        return [{ topic: 'connections', text: 'gives up its connection with %', about: effect.peer }]
      case 'store':
        return this.#store(machine, life, effect)
      case 'settle':
        return [{ text: `tells the caller: ${answer(life.commands.get(effect.ticket), effect.result)}` }]
      case 'notify':
        return event(effect.event, all, (owner, generation) => this.words.generation(owner, generation), machine.self)
      default:
        return []
    }
  }

  #broadcast(life: Life, bytes: Uint8Array): Said[] {
    const message = decodeGossip(bytes)
    if (message === undefined) return []
    if (message.type === 'update') return [{ to: 'all', text: this.words.update(message) }]
    if (message.type === 'question')
      return message.to.map(({ subject }) => ({ to: 'all', text: 'do you live, %?', about: subject }))
    if (message.type === 'answer') return [{ to: 'all', text: 'I live, to those who asked' }]
    return message.about.flatMap((about): Said[] => {
      const key = `${about.subject} ${about.generation} ${about.incarnation}`
      if (about.withdrawn === true) life.reports.delete(key)
      else if (life.reports.has(key)) return []
      else life.reports.add(key)
      return [{ topic: 'members', to: 'all', text: this.words.report(about), about: about.subject }]
    })
  }

  #beat(machine: Machine, { to, bytes }: Effect & { type: 'beat' }): Said[] {
    const frame = decodeBeat(bytes)
    if (frame === undefined || frame.type === 'vitals' || frame.type === 'farewell') return []
    if (frame.type === 'able' || frame.type === 'passing') return []
    if (frame.type === 'heartbeat' && !this.#heartbeats.has(`${machine.name} ${to}`)) return []
    const name = this.#nameOf(machine, to)
    if (frame.type === 'question')
      return [{ to: name, text: this.words.beat(frame, machine.self), about: frame.subject }]
    if (frame.type !== 'report') return [{ to: name, text: this.words.beat(frame, machine.self) }]
    return frame.about.map((about) => {
      return { topic: 'members', to: name, text: this.words.report(about), about: about.subject }
    })
  }

  #request(machine: Machine, { to, bytes }: Effect & { type: 'request' }): Said[] {
    const request = decodeSyncRequest(bytes)
    if (request === undefined) return []
    const isComparison = request.type === 'sync' && request.scope === 'all'
    const exchange = { isComparison, brings: request.type !== 'sync' }
    this.#exchanges.set(bytes, exchange)
    return [{ to: this.#nameOf(machine, to), text: this.words.request(request), exchange }]
  }

  #reply(life: Life, { id, bytes }: Effect & { type: 'reply' }): Said[] {
    const response = decodeSyncResponse(bytes)
    const asked = life.asked.get(id)
    if (response === undefined || asked === undefined) return []
    if (response.type === 'acted') return [{ to: asked.by, text: this.words.acted(response) }]
    // Who pulls one document heeds no wishes.
    const end =
      response.type === 'end' && asked.exchange?.isComparison !== true ? { ...response, wanted: [] } : response
    const text = end.type === 'documents' ? this.words.given(end.parcels) : this.words.end(end)
    if (text === '') return []
    if (asked.exchange !== undefined) asked.exchange.brings = true
    return [{ to: asked.by, text, ...(asked.exchange !== undefined && { exchange: asked.exchange }) }]
  }

  #store(machine: Machine, life: Life, { ops }: Effect & { type: 'store' }): Said[] {
    return ops.flatMap((op): Said[] => {
      switch (op.type) {
        case 'generation':
          return [{ text: `writes generation ${this.words.generation(machine.self, op.generation)} to disk` }]
        case 'forget':
          life.shelf.drop(op.owner)
          return [{ text: `drops its copy of ${op.owner}` }]
        case 'note':
        case 'secrets':
          return []
        default: {
          const step = life.shelf.take(op)
          if (op.owner === machine.self) this.words.meet(machine.name, step.head.boot)
          const head = this.words.head(step.head, step.before)
          const what = this.words.changes(step.changes)
          if (op.owner === machine.self) return [{ text: `writes ${head} to disk: ${what}` }]
          return [{ text: `takes ${op.owner} ${head}: ${what}` }]
        }
      }
    })
  }
}

type Said = Omit<Line, 'at' | 'who'> & { readonly topic?: Topic }

/** The messages of one answer are one line. */
function joined(said: readonly Said[]): Said[] {
  const lines: Said[] = []
  for (const line of said) {
    const last = lines.at(-1)
    if (last?.exchange === undefined || last.exchange !== line.exchange) lines.push(line)
    else lines.splice(-1, 1, { ...last, text: `${last.text}; ${line.text}` })
  }
  return lines
}

function newLife(shelf: Shelf): Life {
  return { shelf, commands: new Map(), asked: new Map(), reports: new Set(), refused: new Set(), closing: new Set() }
}

function answer(command: Command | undefined, result: (Effect & { type: 'settle' })['result']): string {
  if (!result.ok) return `${result.error.code}: ${result.error.message}`
  switch (command?.type) {
    case 'register':
      return `${command.registration.id ?? result.value ?? ''} is registered`
    case 'deregister':
      return `${command.id} is removed`
    case 'save-definition':
      return `${command.definition.id} is saved`
    case 'remove-definition':
      return `${command.id} is deleted`
    case 'remove-node':
      return `${command.owner} is forgotten`
    default:
      return 'done'
  }
}

function event(
  event: RegistryEvent,
  all: readonly Effect[],
  nameOf: (owner: string, generation: number) => string,
  self: string,
): Said[] {
  switch (event.type) {
    case 'member':
      return [{ topic: 'members', text: `believes % ${event.to}: ${event.why}`, about: event.peer }]
    case 'instance': {
      if (event.change === 'hidden') return [{ text: 'hides %', about: event.id }]
      const as = newStatus(event.id, all) ?? (event.change === 'changed' ? 'changed' : undefined)
      return [{ text: `shows %${as === undefined ? '' : ` as ${as}`}`, about: event.id }]
    }
    case 'ready':
      return [{ text: 'is ready' }]
    case 'generation':
      return [{ text: `begins generation ${nameOf(self, event.generation)}: ${event.why}` }]
    case 'refuted':
      return [{ text: `refutes: it lives, in incarnation ${event.incarnation}` }]
    case 'muted':
      return [{ text: `is mute: ${event.why}` }]
    case 'warning':
      return [{ text: `warns: ${event.message}` }]
    default:
      return []
  }
}

function newStatus(id: string, effects: readonly Effect[]): string | undefined {
  for (const effect of effects)
    if (effect.type === 'notify' && effect.event.type === 'instance-status' && effect.event.id === id)
      return effect.event.to
  return undefined
}
