/**
 * The command that says what is wrong with a cluster, what it means, what to do. It changes nothing.
 */
import type { Command } from 'commander'
import { count } from '../core/words/count.js'
import { RegistryError } from '../core/model/errors.js'
import { isWrong, type Diagnosis, type Finding, type Severity } from '../core/doctor/findings.js'
import { bundle } from './bundle.js'
import { AllSaid, answerOf, clientOf, exitCodes, lookOfOutput, printJson, printLines } from './command.js'
import { changes, type AnsweringOptions, withExamples } from './command.js'
import { plain } from './format.js'
import type { Tone } from './paint.js'
import { wrapLines } from './paragraph.js'
import type { Look } from './table.js'

interface DoctorOptions extends AnsweringOptions {
  readonly bundle?: string
}

export function addDoctorCommand(program: Command): void {
  const command = program.command('doctor').description('what is wrong, what it means, what to do')
  withExamples(
    changes(command)
      .option('--bundle <file>', 'also write what a maintainer needs, without secrets (JSON; gzip if it ends in .gz)')
      .action(doctor),
    ['rollcall doctor', 'exit code 1: something is wrong'],
    [`rollcall doctor --json | jq -r '.findings[] | .what'`, 'one sentence each'],
    ['rollcall doctor --bundle report.json.gz', 'to send to somebody who helps'],
  )
}

async function doctor({ bundle: file, ...options }: DoctorOptions): Promise<void> {
  if (file === '-')
    throw new RegistryError(
      'malformed',
      '--bundle: what is found is printed there; name a file, such as report.json.gz',
    )
  const client = clientOf(options)
  const diagnosis = await answerOf(client, client.doctor(), 'findings')
  // Before the file, which may fail: what is wrong is then said all the same.
  if (options.json) printJson(diagnosis)
  else printLines(shown(diagnosis, lookOfOutput()))
  if (file !== undefined) {
    const packed = await bundle(client, diagnosis, file, options.token)
    if (!options.json) printLines(`\nwritten to ${plain(file)}, without secrets: ${packed.join(', ')}`)
  }
  if (diagnosis.findings.some(isWrong)) throw new AllSaid(exitCodes.failed)
}

const tones: Readonly<Record<Severity, Tone>> = { error: 'bad', warning: 'warn', note: 'dim' }

function shown({ findings, by, answered, nodes, notAsked = 0 }: Diagnosis, look: Look): string {
  const rest = notAsked === 0 ? '' : `, ${notAsked} ${notAsked === 1 ? 'was' : 'were'} not asked`
  const asked = `asked ${plain(by)}; ${answered} of ${count(nodes, 'node')} answered${rest}`
  const wrong = findings.filter(isWrong).length
  const summary =
    wrong > 0 ? look.paint('bad', `${count(wrong, 'thing')} to look after`) : look.paint('good', 'nothing is wrong')
  return [...findings.map((finding) => paragraph(finding, look)), `${summary} (${asked})`].join('\n\n')
}

function paragraph({ id, severity, what, meaning, remedy }: Finding, { paint, width }: Look): string {
  const head = wrapLines([`${paint(tones[severity], severity)}  ${paint('strong', plain(what))}`], width, indent)
  const lines = [meaning, `→ ${remedy}`].map((line) => ' '.repeat(indent) + plain(line))
  return [head, wrapLines(lines, width, indent), wrapLines([paint('dim', `${' '.repeat(indent)}${id}`)], width)].join(
    '\n',
  )
}

const indent = 4
