/**
 * The command that shows what a daemon would be started with here, value by value. It says where each comes from, and starts
 * none.
 */
import type { Command } from 'commander'
import { effectiveOptions, type EffectiveOption } from '../config/effective.js'
import { warningsOf } from '../config.js'
import { fitErrors, lookOfOutput, printJson, printLines, takesJson, withExamples } from './command.js'
import { givenFlags, takesDaemonOptions } from './start.js'
import { renderTable, type Column } from './table.js'

export function addConfigCommand(program: Command): void {
  const command = program.command('config').description('what start would use here, and where each value comes from')
  takesJson(takesDaemonOptions(command)).action(({ json }: { readonly json?: true }) => {
    const sources = { flags: givenFlags(command), env: process.env }
    const options = effectiveOptions(sources)
    if (json) printJson({ options })
    else printLines(renderTable(columns, options, lookOfOutput()))
    for (const warning of warningsOf(sources)) process.stderr.write(`${fitErrors(`rollcall: ${warning}`)}\n`)
  })
  withExamples(
    command,
    ['rollcall config', 'the defaults, and what the environment says'],
    ['rollcall config --config /etc/rollcall.yaml', 'is the file right?'],
    [`rollcall config --json | jq '.options[] | select(.source != "default")'`, 'what was changed'],
  )
}

const columns: readonly Column<EffectiveOption>[] = [
  { head: 'OPTION', cell: ({ name }) => name },
  { head: 'VALUE', cell: valueText, least: 20, tone: ({ value }) => (isUnset(value) ? 'dim' : undefined) },
  {
    head: 'FROM',
    cell: ({ where }) => where ?? 'default',
    least: 20,
    tone: ({ source }) => (source === 'default' ? 'dim' : 'good'),
  },
]

function isUnset(value: EffectiveOption['value']): boolean {
  return value === null || (Array.isArray(value) && value.length === 0)
}

function valueText({ value, note }: EffectiveOption): string | undefined {
  if (isUnset(value)) return note === undefined ? undefined : `(${note})`
  return Array.isArray(value) ? value.join(', ') : String(value)
}
