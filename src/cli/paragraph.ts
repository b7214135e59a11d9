/**
 * Breaks sentences where words end, so that they can be read on a narrow terminal. It does not touch what fits.
 */
import { widthOf } from './table.js'

/** Each line on its own; what goes on below is indented as its beginning is, or by `hang`. */
export function wrapLines(lines: readonly string[], width: number | undefined, hang?: number): string {
  if (width === undefined) return lines.join('\n')
  return lines.flatMap((line) => wrap(line, width, hang ?? /^ */.exec(line)![0].length)).join('\n')
}

function wrap(line: string, width: number, hang: number): readonly string[] {
  if (widthOf(line) <= width) return [line]
  const wrapped: string[] = []
  let current = ''
  for (const [piece] of line.matchAll(/ *[^ ]+/g)) {
    const isFirst = current === ''
    if (isFirst || widthOf(current) + widthOf(piece) <= width) current += piece
    else {
      wrapped.push(current)
      current = ' '.repeat(hang) + piece.trimStart()
    }
  }
  return [...wrapped, current]
}
