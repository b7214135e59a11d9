/**
 * The life of a program under `rollcall run`: started, listed while it is well, hidden before it is told to stop, unlisted, gone.
 * The program comes first: no trouble with the register starts it later, keeps it from its signal for long, or changes its exit code.
 */
import { pause } from '../../client/pause.js'
import { Listing, type ListingParts } from './listing.js'
import { startProgram, type Program } from './program.js'
import { answerSignals } from './signals.js'

/** What a program leaves behind may take so long to end. */
const rest_ms = 5000

export interface SuperviseParts extends ListingParts {
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Between the moment when no lookup shows the program and its stop signal: callers finish, and look up again. */
  readonly grace_ms: number
}

/**
 * @returns the exit code of the program
 * @throws NotStarted
 */
export async function supervise({ argv, env, grace_ms, ...parts }: SuperviseParts): Promise<number> {
  const listing = new Listing(parts)
  const hurry = new AbortController()
  const child: { program?: Program } = {}
  /** Asked to stop before there was anything to stop. */
  let early: NodeJS.Signals | undefined
  let isAsked = false

  answerSignals({
    stop(signal, delivered) {
      isAsked = true
      if (child.program === undefined) early = signal
      else
        void stop(child.program, listing, {
          signal: delivered ? undefined : signal,
          grace_ms,
          hurry: hurry.signal,
        })
    },
    stopAgain() {
      hurry.abort()
      child.program?.signalAll('SIGKILL')
    },
    pass: (signal) => child.program?.signal(signal),
  })

  const program = await startProgram(argv, env)
  child.program = program
  if (early === undefined) listing.start()
  else program.signalAll(early)
  const code = await program.ended
  const withdrawn = Promise.race([listing.withdraw(), aborted(hurry.signal)])
  await (isAsked ? program.allEnded(hurry.signal) : endRest(program, hurry.signal, parts.say))
  const remains = await withdrawn
  if (remains !== undefined) parts.say(remains)
  return code
}

/** A program that ended by itself may leave others behind, which nobody would look after any more. */
async function endRest(program: Program, hurry: AbortSignal, say: (message: string) => void): Promise<void> {
  const soon = new AbortController()
  soon.abort()
  if (await program.allEnded(soon.signal)) return
  say('the program has ended, and what it had started is told to end, too')
  program.signalAll('SIGTERM')
  if (!(await program.allEnded(AbortSignal.any([hurry, AbortSignal.timeout(rest_ms)])))) program.signalAll('SIGKILL')
}

interface Stop {
  /** Absent where the program has got it already. */
  readonly signal: NodeJS.Signals | undefined
  readonly grace_ms: number
  readonly hurry: AbortSignal
}

/** The listing goes while the program still ends: who kills both for being slow leaves no dead instance behind. */
async function stop(program: Program, listing: Listing, { signal, grace_ms, hurry }: Stop): Promise<void> {
  if (signal !== undefined) {
    const over = Promise.race([program.ended, aborted(hurry)])
    const isHidden = await Promise.race([listing.hide(), over.then(() => false)])
    if (isHidden) await Promise.race([pause(grace_ms, hurry), over])
    program.signalAll(signal)
  } else program.look()
  await listing.withdraw()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
