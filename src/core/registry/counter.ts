/**
 * Where callers are served: each command is performed, refused, or kept until this daemon may write; each gets one answer.
 * The rules of what a command writes are the commands' own.
 */
import type { Command, Moment, Settled } from '../effects.js'
import { RegistryError } from '../errors.js'
import { restartGrace_s } from '../membership/formulas.js'
import type { PeerId } from '../model.js'
import type { Checkup } from './checkup.js'
import type { Commands } from './commands.js'
import type { Desk } from './desk.js'
import type { Exchange } from './exchange.js'
import type { Forgetting } from './forgetting.js'
import type { Horizon } from './horizon.js'

/** Writes that may wait for the first head. */
const waitingLimit = 10_000

export interface CounterParts {
  readonly desk: Desk
  readonly commands: Commands
  readonly checkup: Checkup
  readonly exchange: Exchange
  readonly horizon: Horizon
  readonly forgetting: Forgetting
  /** The time of the input that is being handled. */
  readonly at: () => Moment
}

export class Counter {
  readonly #parts: CounterParts
  readonly #waiting: { readonly ticket: number; readonly command: Command }[] = []

  constructor(parts: CounterParts) {
    this.#parts = parts
  }

  /** Keeps a command until `serveWaiting`. */
  keep(ticket: number, command: Command, reason: string): void {
    if (this.#waiting.length >= waitingLimit) return this.refuse(ticket, reason)
    this.#waiting.push({ ticket, command })
  }

  /** @param settle brings the tables up to date: each command reads what the one before it staged */
  serveWaiting(settle: () => void): void {
    for (const { ticket, command } of this.#waiting.splice(0)) {
      this.serve(ticket, command)
      settle()
    }
  }

  refuse(ticket: number, why: string): void {
    this.#settle(ticket, { ok: false, error: new RegistryError('unavailable', why) })
  }

  serve(ticket: number, command: Command): void {
    try {
      this.#perform(ticket, command)
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      this.#settle(ticket, { ok: false, error })
    }
  }

  #perform(ticket: number, command: Command): void {
    const { desk, commands, checkup, horizon } = this.#parts
    const { now, wall } = this.#parts.at()
    switch (command.type) {
      case 'register': {
        const { id } = commands.register(command.registration, wall)
        checkup.check(id, now)
        return this.#settleWhenDurable(ticket, id)
      }
      case 'deregister':
        return this.#deregister(ticket, command.id)
      case 'set-maintenance':
        commands.setMaintenance(command.id, command.reason)
        return this.#settleWhenDurable(ticket)
      case 'save-definition':
        commands.saveDefinition(command.definition)
        return this.#settleWhenDurable(ticket)
      case 'remove-definition':
        commands.removeDefinition(command.id, wall)
        return this.#settleWhenDurable(ticket)
      case 'remove-node':
        this.#removeNode(command.owner)
        return this.#settleWhenDurable(ticket)
      case 'leave':
        horizon.tick(wall, now, true)
        this.#parts.forgetting.save(now)
        desk.journal.leave(command.restart === true ? restartGrace_s : 0)
        return this.#settleWhenTold(ticket)
    }
  }

  /** The owner drops it and answers with its new document; an owner that does not answer is not waited for. */
  #deregister(ticket: number, id: string): void {
    const { desk, commands, exchange } = this.#parts
    const { owner, n } = commands.ownerOf(id)
    if (owner === desk.self) {
      commands.dropOwn(id, n, this.#parts.at().wall)
      return this.#settleWhenDurable(ticket)
    }
    exchange.remove(owner, id, n, this.#parts.at().now, (done) => {
      const left = desk.union.winner(id, 'away too')
      if (!done || (left !== undefined && left.record.n <= n)) commands.remove(id, n, this.#parts.at().wall)
      this.#settleWhenDurable(ticket)
    })
  }

  #removeNode(owner: PeerId): void {
    const { desk, commands } = this.#parts
    if (owner === desk.self) desk.journal.raiseGeneration(0)
    else commands.fence(owner, this.#parts.at().wall)
  }

  #settleWhenDurable(ticket: number, value?: string): void {
    this.#parts.desk.journal.whenDurable((error) => {
      if (error !== undefined) return this.#settle(ticket, { ok: false, error })
      this.#settle(ticket, { ok: true, ...(value !== undefined && { value }) })
    })
  }

  /** A goodbye is good for something only once it is out. */
  #settleWhenTold(ticket: number): void {
    const { journal } = this.#parts.desk
    journal.whenDurable((error) => {
      if (error !== undefined) return this.#settle(ticket, { ok: false, error })
      journal.publish(this.#parts.at().now, true)
      this.#settle(ticket, { ok: true })
    })
  }

  #settle(ticket: number, result: Settled): void {
    this.#parts.desk.emit({ type: 'settle', ticket, result })
  }
}
