/**
 * The lines on which programs hold their sessions open: which is the present one of each, whom to tell when one is over. What
 * follows from a line that closes is the core's.
 */
import { randomBytes } from 'node:crypto'
import type { Command, RegistryEvent, Settled } from '../core/effects.js'
import type { SessionLine, SessionOpening } from '../http/service.js'

/** Of a secret: nobody guesses it. */
const secretBytes = 16

export class SessionLines {
  readonly #command: (command: Command) => Promise<Settled>
  readonly #lines = new Map<string, { readonly line: number; readonly end: () => void }>()
  #lastLine = 0

  /** @param command resolves with the answer; never rejects */
  constructor(command: (command: Command) => Promise<Settled>) {
    this.#command = command
  }

  /** Opens a session, or, by its secret, opens it again; the line that it stood on ends. @throws RegistryError */
  async open({ secret, grace_ms, holder, onOver }: SessionOpening): Promise<SessionLine> {
    const line = (this.#lastLine += 1)
    const known = secret ?? randomBytes(secretBytes).toString('hex')
    const result = await this.#command({
      type: 'open-session',
      secret: known,
      line,
      isNew: secret === undefined,
      ...(grace_ms !== undefined && { grace_ms }),
      ...(holder !== undefined && { holder }),
    })
    if (!result.ok) throw result.error
    const id = result.value as string
    this.#lines.get(id)?.end()
    this.#lines.set(id, { line, end: onOver })
    return { id, secret: known, lost: () => this.#lost(id, line) }
  }

  #lost(id: string, line: number): void {
    if (this.#lines.get(id)?.line === line) this.#lines.delete(id)
    void this.#command({ type: 'lose-session', id, line })
  }

  /** The core has ended one; whoever still holds its line open is told. */
  heard(event: RegistryEvent): void {
    if (event.type !== 'session' || event.change === 'lost') return
    const line = this.#lines.get(event.id)
    this.#lines.delete(event.id)
    line?.end()
  }
}
