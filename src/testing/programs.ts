/**
 * The programs of a test that registered themselves: each holds its session open until it ends it, or is killed.
 */
import type { RegistrationRequest, SelfRegistration } from '../client/register.js'
import { durationOf, parseDuration } from '../core/model/duration.js'
import { RegistryError } from '../core/model/errors.js'
import { lifetimeLimits, sessionPace } from '../core/model/lifetime.js'
import type { RegistryService, SessionLine } from '../http/service.js'

export interface ProgramParts {
  readonly service: () => RegistryService
  readonly register: (registration: RegistrationRequest) => Promise<{ readonly id: string }>
  readonly after: (delay_ms: number, run: () => void) => void
}

interface Program {
  readonly id: string
  readonly registration: RegistrationRequest
  session: SessionLine
  /** It was killed, or has ended it. */
  isOver: boolean
}

export class Programs {
  readonly #parts: ProgramParts
  readonly #running = new Set<Program>()

  constructor(parts: ProgramParts) {
    this.#parts = parts
  }

  /** @throws RegistryError */
  async begin(registration: RegistrationRequest): Promise<SelfRegistration> {
    const session = await this.#open(registration)
    try {
      const { id } = await this.#register(registration, session)
      const program: Program = { id, registration, session, isOver: false }
      this.#running.add(program)
      this.#keepSpeaking(program)
      const end = (): Promise<void> => this.#end(program)
      return {
        id,
        get session() {
          return program.isOver ? undefined : program.session.id
        },
        end,
        [Symbol.asyncDispose]: end,
      }
    } catch (error) {
      await quietly(() => this.#parts.service().endSession(session.id, session.secret, undefined))
      throw error
    }
  }

  /** The program of that instance, where it has one, is gone without a word. */
  killed(id: string): void {
    for (const program of [...this.#running].filter((one) => one.id === id)) {
      this.#over(program)
      program.session.lost()
    }
  }

  /** Their node has started again: they open their sessions anew, and register anew what it does not know. */
  async reopen(): Promise<void> {
    for (const program of this.#running) {
      const { registration, session } = program
      program.session = await this.#open(registration, session.secret).catch(() => this.#open(registration))
      await this.#register({ ...registration, id: program.id }, program.session)
    }
  }

  #open({ grace }: RegistrationRequest, secret?: string): Promise<SessionLine> {
    const isSaid = grace !== undefined && grace !== null
    const grace_ms = isSaid ? durationOf(parseDuration(grace, 'grace', lifetimeLimits.grace)) : undefined
    return this.#parts.service().openSession({
      ...(secret === undefined ? grace_ms !== undefined && { grace_ms } : { secret }),
      onOver: () => undefined,
    })
  }

  #register(registration: RegistrationRequest, { secret }: SessionLine): Promise<{ readonly id: string }> {
    return this.#parts.register({ ...registration, lifetime: 'session', session: secret })
  }

  #keepSpeaking(program: Program): void {
    this.#parts.after(sessionPace.word_ms, () => {
      if (program.isOver) return
      const { id, secret } = program.session
      void quietly(async () => this.#parts.service().hearSession(id, secret, undefined))
      this.#keepSpeaking(program)
    })
  }

  #over(program: Program): void {
    program.isOver = true
    this.#running.delete(program)
  }

  /** What has ended otherwise has ended. */
  async #end(program: Program): Promise<void> {
    const { id, session } = program
    this.#over(program)
    await unlessGone(() => this.#parts.service().endSession(session.id, session.secret, undefined))
    await unlessGone(() => this.#parts.service().deregister(id))
  }
}

async function unlessGone(end: () => Promise<void>): Promise<void> {
  try {
    await end()
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === 'not-found')) throw error
  }
}

async function quietly(say: () => Promise<void>): Promise<void> {
  try {
    await say()
  } catch {
    // nobody waits for it
  }
}
