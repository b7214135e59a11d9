// Builds the command of an earlier commit, where the history of this repository is there: for clusters of several versions.
import { execFile, execFileSync } from 'node:child_process'
import { mkdir, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

/** The last commit before there were metrics, DNS, the doctor, versions in node records: the version that this one replaces. */
export const beforeOperators = '760008eb44105e4f98dc5721e4b84cbb7fff1f61'

/** Whether the history is here: a copy without it, or a shallow one, cannot tell how it was. */
export function isKnown(commit: string): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * The command line as it was at a commit, on the packages that are installed now. Built once, beside other temporary files.
 * @returns the path of its `main.js`
 */
export async function programAt(commit: string): Promise<string> {
  const folder = join(tmpdir(), `rollcall-at-${commit}`)
  const program = join(folder, 'dist/cli/main.js')
  if ((await stat(program).catch(() => undefined)) !== undefined) {
    await linkPackages(folder)
    return program
  }
  const building = `${folder}.${process.pid}`
  await mkdir(building, { recursive: true })
  await run(
    'git',
    ['archive', '--output', join(building, 'tree.tar'), commit, 'src', 'package.json', 'tsconfig.json'],
    {
      cwd: root,
    },
  )
  await run('tar', ['-xf', 'tree.tar'], { cwd: building })
  await linkPackages(building)
  await run(process.execPath, ['node_modules/typescript-native/bin/tsc', '--project', 'tsconfig.json', '--noCheck'], {
    cwd: building,
  })
  try {
    await rename(building, folder)
  } catch (error) {
    await stat(program).catch(() => Promise.reject(error as Error)) // another run was quicker
    await rm(building, { recursive: true })
  }
  return program
}

/** Whoever built it may have been another copy of this repository, which is gone by now with all its packages. */
async function linkPackages(folder: string): Promise<void> {
  const [packages, link] = [join(root, 'node_modules'), join(folder, 'node_modules')]
  const [wanted, linked] = await Promise.all([packages, link].map((path) => realpath(path).catch(() => undefined)))
  if (linked === wanted) return
  const fresh = `${link}.${process.pid}`
  await symlink(packages, fresh)
  await rename(fresh, link)
}
