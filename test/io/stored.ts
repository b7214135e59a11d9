// Short words for what the storage tests write, and the directories and full disks that they write to; asserts nothing.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreOp } from '../../src/core/effects.js'
import { openDataDir, type DataDir } from '../../src/io/storage/data-dir.js'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (content: Uint8Array): string => new TextDecoder().decode(content)

export const snapshot = (owner: string, head: string, content: string): StoreOp => ({
  type: 'snapshot',
  owner,
  head: bytes(head),
  content: bytes(content),
})

export const update = (owner: string, version: number, head: string, change: string): StoreOp => ({
  type: 'update',
  owner,
  version,
  head: bytes(head),
  update: bytes(change),
})

export const forget = (owner: string): StoreOp => ({ type: 'forget', owner })
export const note = (name: string, value: string): StoreOp => ({ type: 'note', name, value })

const made: string[] = []

export async function temporaryDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'rollcall-storage-'))
  made.push(path)
  return path
}

const opened: DataDir[] = []

/** A data directory that is closed after the test, at the latest. */
export async function openAt(...how: Parameters<typeof openDataDir>): Promise<DataDir> {
  const dir = await openDataDir(...how)
  opened.push(dir)
  return dir
}

/** Whether this machine can make its disk look full to us. */
export const canLimitFileSize = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0

/** Meanwhile no file of this process grows beyond so many bytes. */
export async function withFilesUpTo<T>(limit: number, run: () => Promise<T>): Promise<T> {
  const setLimit = (soft: number | 'unlimited') =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${soft}:unlimited`])
  setLimit(limit)
  try {
    return await run()
  } finally {
    setLimit('unlimited')
  }
}

export async function closeAndRemoveDirs(): Promise<void> {
  for (const dir of opened.splice(0)) await dir.close()
  await removeTemporaryDirs()
}

export async function removeTemporaryDirs(): Promise<void> {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true })
}
