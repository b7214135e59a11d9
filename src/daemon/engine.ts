/**
 * Runs a registry: tells it what happens at which time, then does what it asks for. It decides nothing. Inputs are handled one
 * after the other, also those that an effect causes on the spot.
 */
import type { Command, Effect, Input, Moment, RegistryEvent, Settled } from '../core/effects.js'
import { RegistryError, messageOf } from '../core/model/errors.js'
import type { Registry } from '../core/registry.js'
import type { Checker } from '../io/checks.js'
import type { Network, Reply } from '../io/network/network.js'
import type { DataDir } from '../io/storage/data-dir.js'
import { tellWaits } from '../io/work.js'
import type { Meter } from '../metrics/meter.js'

export interface EngineParts {
  readonly registry: Registry
  readonly dataDir: Pick<DataDir, 'storage' | 'noteUp'>
  readonly checker: Checker
  readonly meter?: Pick<Meter, 'told' | 'asked'>
  readonly onEvent: (event: RegistryEvent) => void
  /** Told after whatever may have changed what is read. */
  readonly onHandled?: () => void
  /** A rule of ours did not hold: nothing that follows can be trusted. */
  readonly onBug: (error: unknown) => void
}

export class Engine {
  readonly #parts: EngineParts
  readonly #queue: Input[] = []
  readonly #callers = new Map<number, (result: Settled) => void>()
  readonly #replies = new Map<number, Reply>()
  #network: Network | undefined
  #stopTelling = (): void => undefined
  #isDraining = false
  #timer: NodeJS.Timeout | undefined
  /** A turn that is due already: it comes after what has arrived by then, and waits for no timer, of which the least is a millisecond. */
  #turn: NodeJS.Immediate | undefined
  #lastId = 0
  #stopped = false
  #isNoteRefused = false
  readonly #writes = new Set<Promise<void>>()

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  /** Begins; resolves once what must be on disk before the first packet is there. */
  async start(): Promise<void> {
    this.#perform(this.#parts.registry.begin())
    this.#scheduleWake()
    await Promise.all(this.#writes)
  }

  /** From now on the network carries what the registry wants to say. */
  attach(network: Network): void {
    this.#network = network
    this.#stopTelling = tellWaits((share) => this.feed({ type: 'waited', share }))
  }

  now(): Moment {
    return { now: performance.now(), wall: Date.now() }
  }

  feed(input: Input): void {
    if (this.#stopped) return
    this.#queue.push(input)
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#parts.meter?.told(next)
        this.#perform(this.#parts.registry.handle(next, this.now()))
      }
    } catch (error) {
      this.#stopped = true
      this.#parts.onBug(error)
    } finally {
      this.#isDraining = false
    }
    this.#parts.onHandled?.()
    this.#scheduleWake()
  }

  /** Resolves with the answer to a command; never rejects. */
  command(command: Command): Promise<Settled> {
    if (this.#stopped) {
      return Promise.resolve({ ok: false, error: new RegistryError('unavailable', 'the daemon has stopped') })
    }
    return new Promise((resolve) => {
      const ticket = (this.#lastId += 1)
      this.#callers.set(ticket, resolve)
      this.feed({ type: 'command', ticket, command })
    })
  }

  request(from: string, bytes: Uint8Array, reply: Reply): void {
    const id = (this.#lastId += 1)
    this.#replies.set(id, reply)
    this.feed({ type: 'request', from, id, bytes })
  }

  /** Handles nothing more; resolves once running writes have ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopTelling()
    this.#callOff()
    await Promise.allSettled(this.#writes)
    const error = new RegistryError('unavailable', 'the daemon has stopped; the write may or may not be on disk')
    for (const caller of this.#callers.values()) caller({ ok: false, error })
    this.#callers.clear()
  }

  /** A turn that is due stays where it is in the line: whoever feeds in each turn would else push it off from each to the next. */
  #scheduleWake(): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return this.#callOff()
    const delay_ms = this.#parts.registry.wakeAt - performance.now()
    if (delay_ms <= 0) return void (this.#turn ??= setImmediate(() => this.#wake()))
    this.#callOff()
    this.#timer = setTimeout(() => this.#wake(), delay_ms)
  }

  #wake(): void {
    this.#turn = undefined
    this.feed({ type: 'wake' })
  }

  #callOff(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
    this.#turn = undefined
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) this.#performOne(effect)
  }

  #performOne(effect: Effect): void {
    this.#parts.meter?.asked(effect)
    switch (effect.type) {
      case 'broadcast':
        return this.#network?.broadcast(effect.bytes)
      case 'beat':
        return this.#network?.beat(effect.to, effect.bytes)
      case 'request':
        return this.#ask(effect)
      case 'reply':
        return this.#reply(effect)
      case 'dial':
        return this.#network?.dial(effect.peer)
      case 'redial':
        return this.#network?.redial(effect.peer)
      case 'links':
        return this.#network?.follow(effect.wanted, effect.spared)
      case 'hang-up':
        return this.#network?.hangUp(effect.peer)
      case 'learn':
        return this.#network?.learn(effect.peer, effect.addresses)
      case 'store':
        return this.#store(effect)
      case 'up':
        return this.#track(this.#noteUp(effect.wall))
      case 'check':
        return this.#check(effect)
      case 'keep-open':
        return this.#keepOpen(effect)
      case 'let-go':
        return this.#parts.checker.letGo(effect.id)
      case 'settle': {
        const caller = this.#callers.get(effect.ticket)
        this.#callers.delete(effect.ticket)
        return caller?.(effect.result)
      }
      case 'notify':
        return this.#parts.onEvent(effect.event)
    }
  }

  #ask({ id, to, bytes, timeout_ms }: Effect & { type: 'request' }): void {
    if (this.#network === undefined) return this.feed({ type: 'closed', id, ok: false })
    this.#network.request(to, bytes, {
      timeout_ms,
      onResponse: (answer) => this.feed({ type: 'response', id, bytes: answer }),
      onClosed: (ok) => this.feed({ type: 'closed', id, ok }),
    })
  }

  #reply({ id, bytes, last, isPaced, afterWrites }: Effect & { type: 'reply' }): void {
    const reply = this.#replies.get(id)
    if (last) this.#replies.delete(id)
    if (reply === undefined) return
    const onGone = isPaced === true ? (ok: boolean) => this.#gone(id, ok) : undefined
    if (afterWrites !== true) return reply(bytes, last, onGone)
    void this.#parts.dataDir.storage.flush().then((isAll) => reply(isAll ? bytes : new Uint8Array(), last, onGone))
  }

  #gone(id: number, ok: boolean): void {
    if (!ok) this.#replies.delete(id)
    this.feed({ type: 'gone', id, ok })
  }

  #store({ id, ops, sync }: Effect & { type: 'store' }): void {
    const write = this.#parts.dataDir.storage.write(ops, sync).then(
      () => this.feed({ type: 'stored', id }),
      (error: unknown) => this.feed({ type: 'stored', id, error: messageOf(error) }),
    )
    this.#track(write)
  }

  #check({ id, n, url, check, headers }: Effect & { type: 'check' }): void {
    void this.#parts.checker.check(url, check, headers).then((result) => this.feed({ type: 'checked', id, n, result }))
  }

  #keepOpen({ id, n, url, check }: Effect & { type: 'keep-open' }): void {
    this.#parts.checker.keepOpen(id, url, check, (news) => this.feed({ type: 'line', id, n, news }))
  }

  #track(write: Promise<void>): void {
    this.#writes.add(write)
    void write.finally(() => this.#writes.delete(write))
  }

  /** Told the first time that it fails, then once it is over. */
  async #noteUp(wall: number): Promise<void> {
    const refusal = await this.#parts.dataDir.noteUp(wall).then(() => undefined, messageOf)
    if (this.#isNoteRefused === (refusal !== undefined)) return
    this.#isNoteRefused = refusal !== undefined
    const message =
      refusal === undefined
        ? 'the disk takes the note that this node is up again'
        : `could not note on disk that this node is up (${refusal}); it is tried again`
    this.#parts.onEvent({ type: 'warning', message })
  }
}
