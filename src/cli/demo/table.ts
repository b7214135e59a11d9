/**
 * The table of a demonstration: one row for each instance, one column for what each daemon's lookup says of it.
 */
import { toneOf, type Paint } from '../paint.js'
import type { DemoService } from './services.js'
import type { Sight } from './watch.js'

export interface TableColumn {
  readonly name: string
  readonly sight: Sight | undefined
  readonly isRunning: boolean
}

const width = 14

export function drawTable(
  services: readonly Pick<DemoService, 'id'>[],
  columns: readonly TableColumn[],
  paint: Paint,
): readonly string[] {
  const head = ['instance', ...columns.map(({ name }) => `seen by ${name}`)]
  const nodes = columns.map(({ isRunning }) => paint(isRunning ? 'good' : 'bad', pad(isRunning ? 'up' : 'down')))
  const rows = services.map(({ id }) => {
    const cells = columns.map(({ sight, isRunning }) => {
      const status = isRunning ? sight?.get(id) : undefined
      return status === undefined ? paint('dim', pad('-')) : paint(toneOf(status), pad(status))
    })
    return `  ${pad(id)}${cells.join('')}`.trimEnd()
  })
  return [
    paint('strong', `  ${head.map(pad).join('')}`.trimEnd()),
    `  ${pad('(the daemon)')}${nodes.join('')}`.trimEnd(),
    ...rows,
  ]
}

/** Before it is styled: what styles a terminal takes no room on it. */
function pad(text: string): string {
  return text.padEnd(width)
}
