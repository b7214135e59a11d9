// The package as its users get it: packed from a copy of the sources, unpacked into a project that has nothing else of ours.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const execute = promisify(execFile)
/** The one that builds: it takes a fifth of the time of the one that has an interface for programs. */
const compiler = 'node_modules/typescript-native/bin/tsc'

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

/** In place of the compiler: copies what it has made of these very sources before the tests began. */
async function pretendToCompile(copy: string): Promise<void> {
  const mine = join(copy, compiler)
  await mkdir(dirname(mine), { recursive: true })
  // Tests put what they compile for themselves beside it.
  const isMade = `!/[/\\\\]dist[/\\\\](one-file|scripts)/.test(source)`
  await writeFile(
    mine,
    `require('node:fs').cpSync(${JSON.stringify(join(root, 'dist'))}, 'dist', { recursive: true, filter: (source) => ${isMade} })\n`,
  )
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
 * Compiles a strict project, and checks all that it leads to: its files, the declarations of the package, those of Node.
 * @returns what is wrong
 */
export async function compile(project: string, options: object): Promise<string> {
  const common = { target: 'ES2022', types: ['node'], strict: true, exactOptionalPropertyTypes: true }
  const json = { compilerOptions: { ...common, ...options }, include: ['*.ts'] }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(json))
  const { code, stdout, stderr } = await run(process.execPath, [join(root, compiler), '--pretty', 'false'], project)
  return code === 0 ? '' : stdout + stderr
}
