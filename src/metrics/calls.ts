/**
 * What a program's own calls of services come to, counted where they are made.
 */
import { Counts, type Metric } from './samples.js'

/** `answered`: whatever the service said; `refused`: it said that it is busy; the others gave no answer. */
export type AttemptResult = 'answered' | 'refused' | 'not-sent' | 'lost' | 'declined'
/** `failed`: the caller was told an error; `aborted`: by the caller itself. */
export type CallResult = 'answered' | 'refused' | 'failed' | 'aborted'

export class CallCounts {
  readonly attempts = new Counts('result')
  readonly calls = new Counts('result')
  readonly ejections = new Counts()

  metrics(): Metric[] {
    return [
      {
        name: 'rollcall_call_attempts_total',
        help: 'Attempts of calls of services by this program, by what came of each',
        type: 'counter',
        read: () => this.attempts.read(),
      },
      {
        name: 'rollcall_calls_total',
        help: 'Calls of services by this program, each with all of its attempts, by what its caller got',
        type: 'counter',
        read: () => this.calls.read(),
      },
      {
        name: 'rollcall_ejections_total',
        help: 'Instances that this program left out for a while, since calls of them failed',
        type: 'counter',
        read: () => this.ejections.read(),
      },
    ]
  }
}
