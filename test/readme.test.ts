// The README is the first thing that anybody reads: every option, command and call of the program is in it, it names none that is not,
// and it ends before its reader does. Where it and its companions point, there is something.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createProgram } from '../src/cli/program.js'
import { options } from '../src/config.js'
import { serveMemory } from './http/serve.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

function sectionOf(heading: string): string {
  const [, after = ''] = readme.split(new RegExp(`^#+ ${heading}$`, 'm'))
  return after.split(/^#+ /m)[0] ?? ''
}

test('every option of start is in its table, with its variable', () => {
  const table = sectionOf('Options of `start`')
  const shown = Object.values(options).filter((option) => !('hidden' in option))
  const missing = shown.filter(({ flag, env }) => !table.includes(flag.split(' ')[0] as string) || !table.includes(env))
  expect(missing.map(({ flag }) => flag)).toEqual([])
})

test('every command is in its table, and every command of the table exists', () => {
  const commands = createProgram()
    .commands.map((command) => command.name())
    .filter((name) => name !== 'help' && !name.startsWith('_'))
  const rows = sectionOf('The command line')
    .split('\n')
    .flatMap((line) => [...(/^\| (.*?) \| /.exec(line.replaceAll('\\|', '/'))?.[1] ?? '').matchAll(/`([a-z-]+)/g)])
    .map(([, name]) => name as string)
  expect(commands.filter((name) => !rows.includes(name))).toEqual([])
  expect(rows.filter((name) => !commands.includes(name))).toEqual([])
})

test('every call of the HTTP API is in its tables', async () => {
  const { url, stop } = await serveMemory()
  const answer = await fetch(`${url}/openapi.json`)
  await stop()
  const { paths } = (await answer.json()) as { paths: Record<string, unknown> }
  const unnamed = (text: string): string => text.replace(/\{\w+\}/g, '{}')
  const tables = unnamed(sectionOf('The HTTP API'))
  const calls = Object.keys(paths).map((path) => unnamed(path.replace('/registry-svc', '')))
  expect(calls.filter((path) => !tables.includes(path))).toEqual([])
})

test('it is shorter than 300 lines: the rest is for those who read the code', () => {
  expect(readme.trimEnd().split('\n').length).toBeLessThan(300)
})

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(['README.md', 'src/README.md', 'test/README.md', 'scripts/README.md', 'scripts/deploy/README.md'])(
  'no link of %s leads nowhere',
  (name) => {
    const here = new URL(`../${name}`, import.meta.url)
    const links = [...readFileSync(here, 'utf8').matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
    expect(links.length).toBeGreaterThan(0)
    const broken = links.filter(([, path = '', anchor]) => {
      const there = path === '' ? here : new URL(path, here)
      if (!existsSync(there)) return true
      return anchor !== undefined && !anchorsOf(readFileSync(there, 'utf8')).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  },
)
