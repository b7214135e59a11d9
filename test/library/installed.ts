// The package as its users get it: packed from a copy of the sources, unpacked into a project that has nothing else of ours.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))
const execute = promisify(execFile)

export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<Output> {
  try {
    const { stdout, stderr } = await execute(command, [...args], { cwd, maxBuffer: 64 * 1024 * 1024 })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    return { code: typeof code === 'number' ? code : 1, stdout: stdout ?? '', stderr: stderr ?? String(error) }
  }
}

/** An empty directory. Its name resolves to itself: what is linked into it is found from it. */
export function temporaryProject(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'rollcall-project-'))
}

/**
 * Packs the sources with `npm pack`, scripts and all, beside a `dist` that an earlier build has left things in.
 * @returns the tarball
 */
export async function pack(into: string): Promise<string> {
  const copy = join(into, 'sources')
  for (const name of ['src', 'package.json', 'tsconfig.json', 'README.md', 'LICENSE', '.gitignore'])
    await cp(join(root, name), join(copy, name), { recursive: true })
  await pretendToCompile(copy)
  await mkdir(join(copy, 'dist', 'test'), { recursive: true })
  await writeFile(join(copy, 'dist', 'stale.js'), '')
  await writeFile(join(copy, 'dist', 'test', 'stale.test.js'), '')
  const { code, stdout, stderr } = await run('npm', ['pack', '--pack-destination', into], copy)
  const name = /^rollcall-\S+\.tgz$/m.exec(stdout)?.[0]
  if (code !== 0 || name === undefined) throw new Error(`npm pack: ${stdout}${stderr}`)
  return join(into, name)
}

/** In place of the compiler: copies what it has made of these very sources, which takes it 20 s of a processor, before the tests began. */
async function pretendToCompile(copy: string): Promise<void> {
  const mine = join(copy, 'node_modules')
  await mkdir(join(mine, '.bin'), { recursive: true })
  const compiler = `#!/bin/sh\nmkdir dist && cp -R '${join(root, 'dist')}/.' dist && rm -rf dist/one-file\n`
  await writeFile(join(mine, '.bin', 'tsc'), compiler, { mode: 0o755 })
}

/** Makes `node_modules` of a project: the unpacked tarball, what it depends on, and the types of Node. */
export async function install(tarball: string, project: string): Promise<void> {
  const target = join(project, 'node_modules', 'rollcall')
  await mkdir(target, { recursive: true })
  const { code, stderr } = await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'], project)
  if (code !== 0) throw new Error(`tar: ${stderr}`)
  const manifest = JSON.parse(await readFile(join(target, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    await link(name, join(project, 'node_modules', name))
  }
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
}

/** Puts a package that we have somewhere else, too. */
export async function link(name: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await symlink(join(root, 'node_modules', name), path)
}

/**
 * Compiles a strict project as `tsc` would, and checks what is its own or ours: its files, and the declarations of the package. Those
 * of Node are nobody's here, and take twice as long as all the rest.
 * @returns what is wrong
 */
export function compile(project: string, options: object): string {
  const common = { target: 'ES2022', types: ['node'], strict: true, exactOptionalPropertyTypes: true }
  const json = { compilerOptions: { ...common, ...options }, include: ['*.ts'] }
  const { fileNames, options: settings, errors } = ts.parseJsonConfigFileContent(json, ts.sys, project)
  const program = ts.createProgram(fileNames, settings)
  const ours = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(project)) // all else is linked to
  const wrong = [
    ...errors,
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
    ...program.emit().diagnostics,
  ]
  return ts.formatDiagnostics(wrong, {
    getCurrentDirectory: () => project,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  })
}
