/** Completion as shells do it: the scripts are loaded by real ones. Those that are not installed here are named, and left out. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bashScript } from '../../src/cli/completion/bash.js'
import { fishScript } from '../../src/cli/completion/fish.js'
import { shapeOf } from '../../src/cli/completion/shape.js'
import { zshScript } from '../../src/cli/completion/zsh.js'
import { createProgram } from '../../src/cli/program.js'
import { serveMemory, type MemoryServer } from '../http/serve.js'
import { programHere } from '../programs.js'
import { runHere } from './run.js'

const dir = mkdtempSync(join(tmpdir(), 'rollcall-completion-'))
const shapes = shapeOf(createProgram())
const scripts = { bash: bashScript(shapes), zsh: zshScript(shapes), fish: fishScript(shapes) }

/** In place of our own command: a shell asks it for what only a daemon knows. */
const pretendedAnswers = `case "$2" in slugs) echo api; echo web ;; nodes) echo node-a ;; esac`

beforeAll(() => {
  for (const [shell, script] of Object.entries(scripts)) writeFileSync(join(dir, shell), script)
  writeFileSync(join(dir, 'rollcall'), `#!/bin/sh\n${pretendedAnswers}\n`, { mode: 0o755 })
  writeFileSync(join(dir, 'some.yaml'), '')
})
afterAll(() => rmSync(dir, { recursive: true }))

function run(shell: string, commands: string): string[] {
  const env = { ...process.env, PATH: `${dir}:${process.env['PATH']}`, HOME: dir }
  return execFileSync(shell, ['-c', commands], { cwd: dir, env, encoding: 'utf8' }).split('\n').filter(Boolean)
}

const cases: readonly [readonly string[], readonly string[]][] = [
  [['loo'], ['lookup']],
  [
    ['definitions', ''],
    ['list', 'show', 'save', 'remove', 'help'],
  ],
  [['definitions', 'sa'], ['save']],
  [['definitions', 'save', 'so'], ['some.yaml']],
  [
    ['lookup', ''],
    ['api', 'web'],
  ],
  [['lookup', 'w'], ['web']],
  [['lookup', '--j'], ['--json']],
  [['lookup', '--slug'], []],
  [['force-leave', ''], ['node-a']],
  [
    ['instances', '--status', 'U'],
    ['Unknown', 'Unreachable'],
  ],
  [['instances', '--slug', 'a'], ['api']],
  [['instances', '--slug', 'status', '--al'], ['--all']],
  [['start', '--log-level', 'de'], ['debug']],
  [['start', '--config', 'so'], ['some.yaml']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['help', 'keyg'], ['keygen']],
  [['--serv'], ['--server']],
  [['--server', '10.0.0.6:58231', 'keyg'], ['keygen']],
  [['--json', 'definitions', 'sa'], ['save']],
]

describe.runIf(programHere('bash'))('bash', () => {
  test.each(cases)('%j gives %j', (words, expected) => {
    const line = ['rollcall', ...words].map((word) => `'${word}'`).join(' ')
    const ask = `source ./bash; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _rollcall; printf '%s\\n' "\${COMPREPLY[@]}"`
    expect(run('bash', ask)).toEqual(expected)
  })

  test('knows a value also after an equals sign, which bash makes a word of its own', () => {
    const ask = `source ./bash; COMP_WORDS=(rollcall instances --status = H); COMP_CWORD=4; _rollcall; echo "\${COMPREPLY[@]}"`
    expect(run('bash', ask)).toEqual(['Healthy'])
  })

  test('is told to use it', () => {
    expect(run('bash', 'source ./bash; complete -p rollcall')).toEqual(['complete -F _rollcall rollcall'])
  })
})

describe.runIf(programHere('fish'))('fish', () => {
  test.each(cases.filter(([words]) => words[1] !== '--slug' || words.length > 2))('%j gives %j', (words, expected) => {
    const line = ['rollcall', ...words].join(' ')
    const found = run('fish', `source ./fish; complete -C '${line}'`).map((each) => each.split('\t')[0])
    expect(found.sort()).toEqual([...expected].sort())
  })
})

describe.runIf(programHere('zsh'))('zsh', () => {
  test('reads the script without a complaint, and has a function for every command', () => {
    const functions = run('zsh', `compdef() { : }; source ./zsh; print -l \${(k)functions[(I)_rollcall*]}`)
    expect(functions).toContain('_rollcall_definitions_save')
    for (const { path } of shapes) expect(functions).toContain(`_rollcall ${path}`.trim().replace(/[ -]/g, '_'))
  })
})

test('every command and option of ours is in every script', () => {
  for (const script of Object.values(scripts)) {
    for (const word of ['force-leave', 'definitions', 'cluster-key', 'no-mdns', 'watch', 'completion']) {
      expect(script).toContain(word)
    }
    expect(script).not.toContain('drop-gossip')
  }
})

describe('what only a daemon knows', () => {
  let served: MemoryServer
  beforeAll(async () => {
    served = await serveMemory()
    await served.service.register({ url: 'http://10.0.0.7:80', slug: 'web', id: 'w-1' })
    await served.service.register({ url: 'http://10.0.0.8:80', slug: '$(reboot)', id: 'w-2' })
  })
  afterAll(() => served.stop())

  test('is asked for by a hidden command, without words that a shell would obey', async () => {
    const ask = (what: string): ReturnType<typeof runHere> =>
      runHere(['__complete', what], { ROLLCALL_SERVER: served.url })
    expect(await ask('slugs')).toEqual({ code: 0, stdout: 'gone\nweb\n', stderr: '' })
    expect(await ask('instances')).toMatchObject({ stdout: 'ghost\nw-1\nw-2\n' })
    expect(await ask('nodes')).toMatchObject({ stdout: 'abc\ndef\n' })
    expect(await ask('nonsense')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('is nothing where there is no daemon', async () => {
    const outcome = await runHere(['__complete', 'slugs'], { ROLLCALL_SERVER: 'http://127.0.0.1:9' })
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})
