// What a daemon is to its core, in virtual time: hands it what happens, does what it asks for, and wakes it when it wants to be woken.
import type { CheckResult, Command, Effect, Input, Moment, RegistryEvent } from '../../src/core/effects.js'
import type { RegistryError } from '../../src/core/model/errors.js'
import type { Machine } from './machine.js'
import type { EventQueue } from '../../src/testing/queue.js'
import type { Random } from './random.js'
import type { WorldRecording } from './recording/recording.js'
import type { Wires } from './wires.js'

/** What became of a command: `result` is absent until it is answered, `at` is when that was. */
export interface Answer {
  result?: { readonly ok: boolean; readonly value?: string; readonly error?: RegistryError }
  at?: number
}

export interface EngineParts {
  readonly time: EventQueue
  readonly random: Random
  readonly wires: () => Wires
  /** How long a synced write takes. */
  readonly fsync_ms: number
  readonly say: (who: string, what: RegistryEvent) => void
  /** Where all that the daemons ask for is noted down. */
  readonly recording?: WorldRecording
  readonly watch?: Watch
}

/** Sees what each daemon is told and all that it asks for, before any of that is done; no input: its start. */
export type Watch = (machine: Machine, now: number, input: Input | undefined, effects: readonly Effect[]) => void

const epoch_ms = Date.UTC(2026, 0, 1)

export class Engine {
  readonly #parts: EngineParts
  /** What checks find, by url, or by check and url. */
  readonly services = new Map<string, CheckResult['status'] | 'silent'>()
  readonly #answers = new Map<string, Answer>()
  #ticket = 0

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  get #now(): number {
    return this.#parts.time.now
  }

  get #wires(): Wires {
    return this.#parts.wires()
  }

  after(delay_ms: number, run: () => void): void {
    this.#parts.time.after(delay_ms, run)
  }

  moment(machine: Machine): Moment {
    const now = machine.clock.at(this.#now)
    return { now, wall: epoch_ms + now * machine.wallRate + machine.wallOffset_ms }
  }

  scheduleWake(machine: Machine): void {
    const { registry, life, clock } = machine
    if (registry === undefined) return
    const at = Math.max(clock.whenAt(registry.wakeAt), this.#now)
    if (at >= machine.wakeScheduledFor) return
    machine.wakeScheduledFor = at
    this.#parts.time.push(at, () => {
      if (machine.life !== life || machine.wakeScheduledFor !== at) return
      machine.wakeScheduledFor = Number.POSITIVE_INFINITY
      if (this.#now < machine.pausedUntil) return
      this.feed(machine, { type: 'wake' })
    })
  }

  feedLater(machine: Machine, delay_ms: number, input: Input): void {
    const { life } = machine
    this.after(delay_ms, () => {
      if (machine.life === life) this.feed(machine, input)
    })
  }

  /** Sends a command; its answer fills in once time has passed. */
  command(machine: Machine, command: Command): Answer {
    const answer: Answer = {}
    const ticket = (this.#ticket += 1)
    this.#answers.set(`${machine.name}/${ticket}`, answer)
    this.feed(machine, { type: 'command', ticket, command })
    return answer
  }

  feed(machine: Machine, input: Input): void {
    if (machine.registry === undefined) return
    if (this.#now < machine.pausedUntil) {
      if (input.type !== 'wake') machine.backlog.push(input)
      return
    }
    this.run(machine, machine.registry.handle(input, this.moment(machine)), input)
    this.scheduleWake(machine)
  }

  /** @param input what these are the answer to; absent at the start */
  run(machine: Machine, effects: readonly Effect[], input?: Input): void {
    this.#parts.recording?.note({ machine: machine.name, now: this.#now }, input, effects)
    this.#parts.watch?.(machine, this.#now, input, effects)
    for (const effect of effects) this.#perform(machine, effect)
  }

  #perform(machine: Machine, effect: Effect): void {
    switch (effect.type) {
      case 'broadcast':
        return this.#wires.gossip(machine, effect.bytes)
      case 'beat':
        return this.#wires.beat(machine, effect.to, effect.bytes)
      case 'request':
        return this.#wires.ask(machine, effect)
      case 'reply':
        return this.#wires.answer(machine, effect)
      case 'dial':
        return this.after(1, () => this.#wires.dial(machine, effect.peer))
      case 'redial':
        return this.#wires.redial(machine, effect.peer)
      case 'links':
        machine.links = { wanted: new Set(effect.wanted), spared: new Set(effect.spared) }
        return this.after(this.#parts.random.below(200), () => this.#wires.dialWanted(machine))
      case 'hang-up':
        return this.#wires.hangUp(machine, effect.peer)
      case 'learn':
        return
      case 'store':
        return this.#store(machine, effect)
      case 'up':
        return machine.disk.noteUp(effect.wall)
      case 'check': {
        const { url, check } = effect
        const status = this.services.get(`${check} ${url}`) ?? this.services.get(url) ?? 'Healthy'
        if (status === 'silent') return
        return this.feedLater(machine, 2, { type: 'checked', id: effect.id, n: effect.n, result: { status } })
      }
      case 'keep-open':
        return void machine.lines.set(effect.id, effect)
      case 'let-go':
        return void machine.lines.delete(effect.id)
      case 'settle':
        return this.#settle(machine, effect)
      case 'notify':
        machine.events.push({ at: this.#now, event: effect.event })
        return this.#parts.say(machine.name, effect.event)
    }
  }

  #settle(machine: Machine, { ticket, result }: Effect & { type: 'settle' }): void {
    const key = `${machine.name}/${ticket}`
    const answer = this.#answers.get(key)
    if (answer === undefined) throw new Error(`command ${key} was answered twice`)
    this.#answers.delete(key)
    answer.result = result
    answer.at = this.#now
  }

  #store(machine: Machine, effect: Effect & { type: 'store' }): void {
    const { life } = machine
    const { failure } = machine.disk
    if (failure === 'deaf') return // it never answers
    if (failure !== undefined) return this.feedLater(machine, 1, { type: 'stored', id: effect.id, error: failure })
    if (!effect.sync) {
      machine.disk.write(effect.ops, false)
      return this.feedLater(machine, 0, { type: 'stored', id: effect.id })
    }
    machine.writing.add(effect.ops)
    this.after(this.#parts.fsync_ms, () => {
      if (machine.life !== life) return
      machine.writing.delete(effect.ops)
      machine.disk.write(effect.ops, true)
      this.feed(machine, { type: 'stored', id: effect.id })
    })
  }
}
