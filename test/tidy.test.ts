// The rules of the house that no compiler keeps: import directions, purity of the core, sizes, opening sentences, names, pins.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { packageVersion } from '../src/config/version.js'

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

/** What a file imports, types and later imports included: files of ours as paths, packages by name. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(text.get(file) ?? '', true, true)
  const names = importedFiles.map(({ fileName: name }) =>
    name.startsWith('.') ? relative(root, join(root, dirname(file), name)).replace(/\.js$/, '.ts') : name,
  )
  return [...new Set(names)]
}

/** Those of ours. */
function filesImportedBy(file: string): string[] {
  return importsOf(file).filter((name) => name.startsWith('src/'))
}

/** Rooms in the order in which they may know each other: each may import itself and those before it. */
const rooms: { readonly name: string; readonly match: RegExp; readonly mayImport: readonly string[] }[] = [
  { name: 'core', match: /^src\/core\//, mayImport: ['core'] },
  { name: 'polyfill', match: /^src\/polyfill\.ts$/, mayImport: [] },
  { name: 'config', match: /^src\/config(\.ts|\/)/, mayImport: ['core', 'config'] },
  { name: 'log', match: /^src\/log(\.ts|\/)/, mayImport: ['core', 'config', 'log'] },
  { name: 'metrics', match: /^src\/metrics\//, mayImport: ['core', 'config', 'metrics'] },
  { name: 'io', match: /^src\/io\//, mayImport: ['polyfill', 'core', 'config', 'log', 'io'] },
  { name: 'http', match: /^src\/http\//, mayImport: ['polyfill', 'core', 'config', 'log', 'metrics', 'http'] },
  { name: 'dns', match: /^src\/dns\//, mayImport: ['core', 'config', 'log', 'dns'] },
  {
    name: 'client',
    match: /^src\/client(\.ts|\/)/,
    mayImport: ['polyfill', 'core', 'config', 'log', 'metrics', 'client'],
  },
  {
    name: 'daemon',
    match: /^src\/daemon(\.ts|\/)/,
    mayImport: ['polyfill', 'core', 'config', 'log', 'metrics', 'io', 'http', 'dns', 'client', 'daemon'],
  },
  {
    name: 'node',
    match: /^src\/node(\.ts|\/)/,
    mayImport: ['polyfill', 'core', 'config', 'log', 'metrics', 'io', 'http', 'client', 'daemon', 'node'],
  },
  {
    name: 'testing',
    match: /^src\/testing(\.ts|\/)/,
    mayImport: ['polyfill', 'core', 'config', 'metrics', 'http', 'client', 'daemon', 'node', 'testing'],
  },
  {
    name: 'cli',
    match: /^src\/cli\//,
    mayImport: ['polyfill', 'core', 'config', 'log', 'metrics', 'io', 'http', 'client', 'daemon', 'cli'],
  },
  {
    name: 'index',
    match: /^src\/index\.ts$/,
    mayImport: ['polyfill', 'core', 'config', 'log', 'metrics', 'io', 'http', 'client', 'daemon', 'node', 'index'],
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
      filesImportedBy(file)
        .filter((target) => !roomOf(file)?.mayImport.includes(roomOf(target)?.name ?? ''))
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

  test('make no circles, be they of types alone or dynamic', () => {
    const circles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) return void circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      if (done.has(file)) return
      for (const target of filesImportedBy(file)) visit(target, [...path, file])
      done.add(file)
    }
    for (const file of source) visit(file, [])
    expect(circles).toEqual([])
  })

  test('of the web page, which runs in browsers, lead to files beside it, types apart', () => {
    const imported = /^(?:import|export) (?!type\b)(?:\{[^}]*\}|\*[^'{]*) from '([^']+)'|\bimport\('([^']+)'\)/gm
    const names = source
      .filter((file) => file.startsWith('src/http/ui/'))
      .flatMap((file) => [...(text.get(file) ?? '').matchAll(imported)].map(([, name, later]) => name ?? later ?? ''))
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !/^\.\/[\w-]+\.js$/.test(name))).toEqual([])
  })

  // What a reader has to have in mind of other rooms to read one file; a dozen is about what can be kept there. Those that build
  // everything, and decide nothing, are lists.
  test('of other folders are at most twelve to a file', () => {
    const builders = ['src/core/state.ts', 'src/daemon.ts', 'src/node.ts', 'src/client.ts']
    const wide = source
      .filter((file) => !builders.includes(file))
      .map((file) => [file, filesImportedBy(file).filter((target) => !isNear(file, target)).length] as const)
    expect(wide.filter(([, count]) => count > 12)).toEqual([])
  })
})

/** What everybody speaks of and with: nouns, wording, plain containers. */
const vocabulary = ['src/core/model', 'src/core/words', 'src/core/basics']

/** In the folder of a file; of the routers, whose words they are, the vocabulary counts as that. */
function isNear(file: string, target: string): boolean {
  return dirname(target) === dirname(file) || (dirname(file) === 'src/core' && vocabulary.includes(dirname(target)))
}

/** The parts of the core, each a folder: they know what all share (the nouns, wire, document, records), and none of each other. */
const parts = ['lookup', 'membership', 'own', 'peers', 'replica', 'retention', 'sync']
/** The files that know several parts: who holds them, who reads them, who routes between them. */
const routers = [
  'acknowledging',
  'acting',
  'coming-back',
  'endings',
  'fencing',
  'figures',
  'giving',
  'incoming',
  'liveness',
  'member-views',
  'not-shown',
  'opening',
  'phase',
  'projection',
  'reads',
  'registry',
  'replication',
  'state',
]

function partOf(file: string): string | undefined {
  return parts.find((part) => file.startsWith(`src/core/${part}/`))
}

describe('the parts of the core', () => {
  const inCore = source.filter((file) => file.startsWith('src/core/'))

  test('do not know each other: only the routers know more than one', () => {
    const wrong = inCore
      .filter((file) => !routers.some((name) => file === `src/core/${name}.ts`))
      .flatMap((file) =>
        filesImportedBy(file)
          .filter((target) => partOf(target) !== undefined && partOf(target) !== partOf(file))
          .map((target) => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })

  test('speak in a vocabulary that knows nothing beside itself', () => {
    const wrong = inCore
      .filter((file) => vocabulary.includes(dirname(file)))
      .flatMap((file) =>
        filesImportedBy(file)
          .filter((target) => !vocabulary.includes(dirname(target)))
          .map((target) => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })

  test('do not know the routers', () => {
    const wrong = inCore
      .filter((file) => dirname(file) !== 'src/core')
      .flatMap((file) =>
        filesImportedBy(file)
          .filter((target) => routers.some((name) => target === `src/core/${name}.ts`))
          .map((target) => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })

  test('hold no callbacks: what a part has to say it returns', () => {
    const held = /^ {2}readonly #?\w+\??: \([^)]*\) =>/m
    expect(inCore.filter((file) => file !== 'src/core/effects.ts' && held.test(codeOf(file)))).toEqual([])
  })

  test('stage entries of the own document in records and own alone', () => {
    const wrong = inCore.filter((file) => /\.stage(Text)?\(/.test(codeOf(file)))
    expect(wrong.filter((file) => !/^src\/core\/(records|own)\//.test(file))).toEqual([])
  })
})

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

/** The first sentence of a file's header. */
function openingOf(file: string): string {
  const [, block = ''] = /^(?:#!.*\n)?\/\*\*\s([\s\S]*?)\*\//.exec(text.get(file) ?? '') ?? []
  const header = block
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
  return /^.*?[.!?…](?=\s|$)|^.*$/.exec(header)?.[0] ?? ''
}

describe('files', () => {
  test('of the source have at most 500 lines', () => {
    const long = source.map((file) => [file, (text.get(file) ?? '').trimEnd().split('\n').length] as const)
    expect(long.filter(([, lines]) => lines > 500)).toEqual([])
  })

  test('open with a sentence that says what they are for', () => {
    const without = [...source, ...tests].filter((file) => {
      const body = (text.get(file) ?? '').replace(/^#!.*\n/, '')
      const [, block, line] = /^(?:\/\*\*?\s([\s\S]*?)\*\/|((?:\/\/.*\n)+))/.exec(body) ?? []
      return !/\p{L}{2,} .*[.!?…:]/su.test(block ?? line ?? '')
    })
    expect(without).toEqual([])
  })

  test('of the source open with one sentence for one room: without "and"', () => {
    const double = source.filter((file) => /\band\b/i.test(openingOf(file)))
    expect(double).toEqual([])
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

  test('need no program of the machine but shells, and those that CI installs', () => {
    const installed = readFileSync(join(root, '.ci/programs'), 'utf8')
    const asked = tests.flatMap((file) => [...(text.get(file) ?? '').matchAll(/\bprogramHere\('([^']*)'\)/g)])
    const names = asked.map(([, name]) => name).filter((name) => name !== 'bash' && name !== 'fish' && name !== 'zsh')
    expect(names.filter((name) => !installed.includes(`\nadd ${name} `))).toEqual([])
  })

  test('have no inner barrels', () => {
    const barrels = source.filter((file) => /\/index\.ts$/.test(file) && file !== 'src/index.ts')
    expect(barrels).toEqual([])
  })
})

describe('the package', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
    scripts: Record<string, string>
    dependencies: Record<string, string>
    devDependencies: Record<string, string>
    peerDependencies: Record<string, string>
  }

  test('says in the code which version it is', () => {
    expect(packageVersion).toBe(manifest.version)
  })

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
        .flatMap(importsOf)
        .filter((name) => !name.startsWith('src/') && !name.startsWith('node:'))
        .map((name) =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    )
    const needed = { ...manifest.dependencies, ...manifest.peerDependencies }
    expect([...packages].filter((name) => !(name in needed))).toEqual([])
    expect(Object.keys(manifest.dependencies).filter((name) => !packages.has(name))).toEqual([])
  })

  test('is tested as its README says', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    expect(readme).toMatch(/^(\s*\$? ?|.*`)npm (ci && npm )?(run )?test\b/m)
    expect(manifest.scripts['test']).toBeDefined()
    const others = ['src', 'test', 'scripts'].map((folder) => readFileSync(join(root, folder, 'README.md'), 'utf8'))
    for (const [, script = ''] of [readme, ...others].join('\n').matchAll(/\bnpm run ([\w:-]+)/g))
      expect(manifest.scripts).toHaveProperty([script])
  })
})
