/**
 * The table of a demonstration: one row for each instance, one column for what each daemon's lookup says of it.
 */
import type { Style } from './screen.js'
import type { DemoService } from './services.js'
import type { Sight } from './watch.js'

export interface TableColumn {
  readonly name: string
  readonly sight: Sight | undefined
  readonly isRunning: boolean
}

const width = 14
const statusStyles: Readonly<Record<string, Style>> = { Healthy: 'green', Unknown: 'yellow', Degraded: 'yellow' }

export function drawTable(
  services: readonly Pick<DemoService, 'id'>[],
  columns: readonly TableColumn[],
  styled: (style: Style, text: string) => string,
): readonly string[] {
  const head = ['instance', ...columns.map(({ name }) => `seen by ${name}`)]
  const nodes = columns.map(({ isRunning }) => (isRunning ? styled('green', pad('up')) : styled('red', pad('down'))))
  const rows = services.map(({ id }) => {
    const cells = columns.map(({ sight, isRunning }) => {
      const status = isRunning ? sight?.get(id) : undefined
      return status === undefined ? styled('dim', pad('-')) : styled(statusStyles[status] ?? 'red', pad(status))
    })
    return `  ${pad(id)}${cells.join('')}`.trimEnd()
  })
  return [
    styled('bold', `  ${head.map(pad).join('')}`.trimEnd()),
    `  ${pad('(the daemon)')}${nodes.join('')}`.trimEnd(),
    ...rows,
  ]
}

/** Before it is styled: what styles a terminal takes no room on it. */
function pad(text: string): string {
  return text.padEnd(width)
}
