/**
 * Where `run` says what it has to say itself.
 */
import { count } from '../../core/words/count.js'
import { LineOutput } from '../../log/output.js'

/** The program has the same standard error, whose reader keeps nobody but the program itself. */
export function ownWords(): LineOutput {
  return new LineOutput(2, (lines) => `rollcall: ${count(lines, 'line')} of ours found no reader\n`)
}
