// The rules of the house that no compiler keeps: import directions, purity of the core, sizes, opening sentences, names, pins.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .sort()
}

const source = filesUnder('src')
const tests = filesUnder('test')
const text = new Map([...source, ...tests].map((file) => [file, readFileSync(join(root, file), 'utf8')]))

/** The code without its comments and without what stands between quotes. */
function codeOf(file: string): string {
  return (text.get(file) ?? '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
}

/** The code as it stands; examples in docstrings import too, but nothing of ours depends on them. */
function withoutDocstrings(file: string): string {
  return (text.get(file) ?? '').replace(/^[^\S\n]*\/\*\*[\s\S]*?\*\//gm, '')
}

/** What a file imports: files of ours as paths, packages by name. */
function importsOf(file: string): string[] {
  const clauses = withoutDocstrings(file).matchAll(/^(?:import|export)\s(?:[^'"]*?from\s)?['"]([^'"]+)['"]/gm)
  return [...clauses].map(([, name = '']) =>
    name.startsWith('.') ? relative(root, join(root, dirname(file), name)).replace(/\.js$/, '.ts') : name,
  )
}

/** Rooms in the order in which they may know each other: each may import itself and those before it. */
const rooms: { readonly name: string; readonly match: RegExp; readonly mayImport: readonly string[] }[] = [
  { name: 'core', match: /^src\/core\//, mayImport: ['core'] },
  { name: 'polyfill', match: /^src\/polyfill\.ts$/, mayImport: [] },
  { name: 'config', match: /^src\/config(\.ts|\/)/, mayImport: ['core', 'config'] },
  { name: 'log', match: /^src\/log\.ts$/, mayImport: ['config'] },
  { name: 'io', match: /^src\/io\//, mayImport: ['polyfill', 'core', 'config', 'log', 'io'] },
  { name: 'http', match: /^src\/http\//, mayImport: ['polyfill', 'core', 'config', 'log', 'http'] },
  { name: 'client', match: /^src\/client(\.ts|\/)/, mayImport: ['polyfill', 'core', 'config', 'log', 'client'] },
  {
    name: 'daemon',
    match: /^src\/daemon(\.ts|\/)/,
    mayImport: ['polyfill', 'core', 'config', 'log', 'io', 'http', 'client', 'daemon'],
  },
  {
    name: 'node',
    match: /^src\/node(\.ts|\/)/,
    mayImport: ['polyfill', 'core', 'config', 'log', 'io', 'http', 'client', 'daemon', 'node'],
  },
  {
    name: 'cli',
    match: /^src\/cli\//,
    mayImport: ['polyfill', 'core', 'config', 'log', 'io', 'http', 'client', 'daemon', 'cli'],
  },
  {
    name: 'index',
    match: /^src\/index\.ts$/,
    mayImport: ['polyfill', 'core', 'config', 'log', 'io', 'http', 'client', 'daemon', 'node', 'index'],
  },
]

function roomOf(file: string): (typeof rooms)[number] | undefined {
  return rooms.find(({ match }) => match.test(file))
}

describe('imports', () => {
  test('every file stands in a room', () => {
    expect(source.filter((file) => roomOf(file) === undefined)).toEqual([])
  })

  test('point one way only', () => {
    const wrong = source.flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith('src/') && !roomOf(file)?.mayImport.includes(roomOf(target)?.name ?? ''))
        .map((target) => `${file} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('of the core stay in the core, but for Yjs in one file', () => {
    const outside = source
      .filter((file) => file.startsWith('src/core/'))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => !target.startsWith('src/core/'))
          .map((target) => `${file} ${target}`),
      )
    expect(outside).toEqual(['src/core/document/content.ts yjs'])
  })

  test('make no cycles', () => {
    const cycles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) return void cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      if (done.has(file)) return
      for (const target of valueImportsOf(file)) visit(target, [...path, file])
      done.add(file)
    }
    for (const file of source) visit(file, [])
    expect(cycles).toEqual([])
  })
})

/** Types alone are gone at run time: they may point in circles. */
function valueImportsOf(file: string): string[] {
  const withoutTypes = withoutDocstrings(file).replace(/^(?:import|export) type [\s\S]*?from '[^']+'$/gm, '')
  const names = [...withoutTypes.matchAll(/^(?:import|export)\s(?:[^'"]*?from\s)?'(\.[^']+)'/gm)]
  return names.map(([, name = '']) => relative(root, join(root, dirname(file), name)).replace(/\.js$/, '.ts'))
}

describe('the core', () => {
  const forbidden =
    /\b(async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask|process|performance|console|fetch|Buffer)\b|\bDate\.(now|parse|UTC)\b|\bnew Date\(\s*\)|\bMath\.random\b|\bcrypto\.(subtle|random\w+|getRandomValues)\b/

  test.each(source.filter((file) => file.startsWith('src/core/')))(
    'has no clock, chance, timer or promise in %s',
    (file) => {
      const lines = codeOf(file).split('\n')
      expect(lines.filter((line) => forbidden.test(line)).map((line) => line.trim())).toEqual([])
      expect(text.get(file)).not.toMatch(/from 'node:/)
    },
  )
})

describe('files', () => {
  test('of the source have at most 400 lines', () => {
    const long = source.map((file) => [file, (text.get(file) ?? '').trimEnd().split('\n').length] as const)
    expect(long.filter(([, lines]) => lines > 400)).toEqual([])
  })

  test('open with a sentence that says what they are for', () => {
    const without = [...source, ...tests].filter((file) => {
      const body = (text.get(file) ?? '').replace(/^#!.*\n/, '')
      const [, block, line] = /^(?:\/\*\*?\s([\s\S]*?)\*\/|((?:\/\/.*\n)+))/.exec(body) ?? []
      return !/\p{L}{2,} .*[.!?…:]/su.test(block ?? line ?? '')
    })
    expect(without).toEqual([])
  })

  test('have no default export, no enum, no namespace', () => {
    const wrong = source.filter((file) =>
      /^export default\b|^\s*(export )?(const )?enum\b|^\s*(export )?namespace\b/m.test(codeOf(file)),
    )
    expect(wrong).toEqual([])
  })

  test('have names that say something', () => {
    expect([...source, ...tests].filter((file) => /util|helper|manager|common|misc/i.test(file))).toEqual([])
  })

  test('leave nothing for later, and no test is skipped or alone', () => {
    const leftover = /\b(TODO|FIXME|XXX|HACK)\b/
    const mine = join('test', 'tidy.test.ts')
    const files = [...source, ...tests].filter((file) => file !== mine)
    expect(files.filter((file) => leftover.test(text.get(file) ?? ''))).toEqual([])
    const exempted = /\b(test|it|describe|suite)(\.\w+)*\.(only|skip|todo|fails)\b/
    expect(files.filter((file) => exempted.test(codeOf(file)))).toEqual([])
  })

  test('have no inner barrels', () => {
    const barrels = source.filter((file) => /\/index\.ts$/.test(file) && file !== 'src/index.ts')
    expect(barrels).toEqual([])
  })
})

describe('the package', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
    dependencies: Record<string, string>
    devDependencies: Record<string, string>
  }

  test('pins every dependency exactly', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies }
    const loose = Object.entries(all).filter(
      ([, version]) => !/^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    )
    expect(loose).toEqual([])
  })

  test('needs what it imports, and imports what it needs', () => {
    const packages = new Set(
      source
        .flatMap((file) => importsOf(file).concat(dynamicImportsOf(file)))
        .filter((name) => !name.startsWith('src/') && !name.startsWith('node:'))
        .map((name) =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    )
    expect([...packages].filter((name) => !(name in manifest.dependencies))).toEqual([])
    expect(Object.keys(manifest.dependencies).filter((name) => !packages.has(name))).toEqual([])
  })

  test('is tested as its README says', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    expect(readme).toMatch(/^(\s*\$? ?|.*`)npm (ci && npm )?(run )?test\b/m)
    expect(manifest.scripts['test']).toBeDefined()
    const others = ['src', 'scripts'].map((folder) => readFileSync(join(root, folder, 'README.md'), 'utf8'))
    for (const [, script = ''] of [readme, ...others].join('\n').matchAll(/\bnpm run ([\w:-]+)/g))
      expect(manifest.scripts).toHaveProperty([script])
  })
})

function dynamicImportsOf(file: string): string[] {
  return [...(text.get(file) ?? '').matchAll(/\bimport\('([^'.][^']*)'\)/g)].map(([, name = '']) => name)
}
