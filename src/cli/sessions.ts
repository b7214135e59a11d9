/**
 * The command that shows the programs which are registered for as long as they run. It ends none.
 */
import type { Command } from 'commander'
import type { SessionView } from '../client.js'
import { reads, withExamples, type ReadingOptions } from './command.js'
import { formatAgo } from './format.js'
import { read } from './reading.js'
import { renderTable, type Column, type Look } from './table.js'

export function addSessionsCommand(program: Command): void {
  withExamples(
    reads(program.command('sessions').description('the programs that hold a session open at this daemon')).action(
      (options: ReadingOptions) =>
        read(options, { ask: (client) => client.sessions(), field: 'sessions', show: sessions }),
    ),
    ['rollcall sessions -w', 'see them come and go'],
    [`rollcall sessions --json | jq -r '.sessions[] | select(.state != "open") | .id'`, 'who is lost'],
  )
}

function sessions({ sessions }: { readonly sessions: readonly SessionView[] }, look: Look): string {
  return sessions.length === 0 ? 'no sessions' : renderTable(columns, sessions, look)
}

const columns: readonly Column<SessionView>[] = [
  { head: 'SESSION', cell: ({ id }) => id, least: 16 },
  { head: 'STATE', cell: ({ state }) => state, tone: ({ state }) => (state === 'open' ? 'good' : 'warn') },
  { head: 'HEARD', cell: ({ heardAge_ms }) => formatAgo(heardAge_ms) },
  { head: 'GRACE', cell: ({ grace }) => grace, drop: 1 },
  { head: 'INSTANCES', cell: ({ instances }) => String(instances) },
  { head: 'TOKEN', cell: ({ holder }) => holder, drop: 2 },
]
