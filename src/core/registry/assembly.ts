/**
 * Builds the parts of a registry and joins each to those that it needs. Nothing happens in here.
 */
import type { Effect, Moment } from '../effects.js'
import { Index } from '../lookup.js'
import { Membership } from '../membership/membership.js'
import type { PeerId } from '../model.js'
import { Replica } from '../replica/replica.js'
import { Union } from '../replica/union.js'
import { verifyHead } from '../wire/head.js'
import { Checkup } from './checkup.js'
import { Commands } from './commands.js'
import { Counter } from './counter.js'
import type { Desk } from './desk.js'
import { Exchange } from './exchange.js'
import { Forgetting } from './forgetting.js'
import { Horizon } from './horizon.js'
import { Intake } from './intake.js'
import type { Joining } from './joining.js'
import { Journal } from './journal.js'
import { Links } from './links.js'
import { Pulse } from './pulse.js'
import { Reading } from './reading.js'
import type { RegistryStart } from './registry.js'
import { Roster } from './roster.js'

/** What the parts need of the registry that they are part of. */
export interface Surroundings {
  readonly at: () => Moment
  readonly emit: (effect: Effect) => void
  readonly connected: ReadonlySet<PeerId>
  /** Present until the first head is signed. */
  readonly joining: () => Joining | undefined
  /** Runs once the own document agrees with its head on disk. */
  readonly whenSettled: (run: () => void) => void
}

export interface Parts {
  readonly desk: Desk
  readonly index: Index
  readonly roster: Roster
  readonly horizon: Horizon
  readonly forgetting: Forgetting
  readonly commands: Commands
  readonly checkup: Checkup
  readonly links: Links
  readonly pulse: Pulse
  readonly intake: Intake
  readonly exchange: Exchange
  readonly counter: Counter
  readonly reading: Reading
  /** What was dropped, by reason. */
  readonly dropped: ReadonlyMap<string, number>
}

export function assemble(start: RegistryStart, around: Surroundings): Parts {
  const { self, crypto, boot } = start
  const { at, emit, joining } = around
  const isStale = (): boolean => joining()?.isStale ?? false
  const dropped = new Map<string, number>()
  const desk = createDesk(start, around, dropped, {
    fencedUpTo: (owner) => horizon.fencedUpTo(owner),
    follow: (change) => intake.follow(self, [change]),
  })
  const roster: Roster = new Roster(desk, () => index, at().now)
  const firstTurn = crypto.hash(new TextEncoder().encode(self))[0] as number
  const index: Index = new Index(desk.union, roster, (event) => emit({ type: 'notify', event }), firstTurn)
  const horizon: Horizon = new Horizon(desk, start.notes, at())
  const commands = new Commands(desk, index)
  const forgetting = new Forgetting(desk, commands, start.notes.silence)
  const checkup = new Checkup(desk)
  const links = new Links(desk)
  const pulse = new Pulse(desk, links)
  const intake: Intake = new Intake({
    desk,
    horizon,
    commands,
    checkup,
    roster,
    pulse,
    exchange: () => exchange,
    joining,
    boot,
  })
  const exchange: Exchange = new Exchange(desk, {
    take: (parcel, via) => intake.take(parcel, via, at()),
    holdsFenced: (owner) => intake.fenceAgain(owner, at()),
    compared: (peer, witness, now) => {
      if (joining() === undefined) intake.noteFenced(witness.fence, at())
      else joining()?.answered(peer, witness, now)
    },
    witness: (peer) => horizon.witness(peer, isStale(), at()),
    isStale,
    whenSettled: around.whenSettled,
  })
  const counter = new Counter({ desk, commands, checkup, exchange, horizon, forgetting, at })
  const reading = new Reading({
    desk,
    index,
    isInDoubt: () => roster.isInDoubt,
    exchangeWith: (peer, now) => pulse.view(peer, exchange.view(peer), now),
    troubleOf: (owner, now) => intake.troubleOf(owner, now),
    vitalsOf: (owner) => pulse.vitalsOf(owner),
    ownLoad: () => pulse.load,
    wants: (peer) => links.wants(peer),
    startedAt: at().now,
  })
  return {
    desk,
    index,
    roster,
    horizon,
    forgetting,
    commands,
    checkup,
    links,
    pulse,
    intake,
    exchange,
    counter,
    reading,
    dropped,
  }
}

/** The tables, and the tray for effects. */
function createDesk(
  { self, crypto, boot }: RegistryStart,
  { emit, connected }: Surroundings,
  dropped: Map<string, number>,
  followers: {
    readonly fencedUpTo: (owner: PeerId) => number
    readonly follow: ConstructorParameters<typeof Journal>[0]['follow']
  },
): Desk {
  let lastId = 0
  const nextId = (): number => (lastId += 1)
  return {
    self,
    crypto,
    union: new Union((head) => verifyHead(head, crypto)),
    replica: new Replica(crypto, followers.fencedUpTo),
    membership: new Membership(self, crypto.hash),
    journal: new Journal({ self, boot, crypto, emit, nextId, follow: followers.follow }),
    connected,
    emit,
    nextId,
    drop: (reason) => void dropped.set(reason, (dropped.get(reason) ?? 0) + 1),
  }
}
