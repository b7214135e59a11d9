// Short words for what the storage tests write, and the directories that they write into; asserts nothing.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreOp } from '../../src/core/effects.js'

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

export async function removeTemporaryDirs(): Promise<void> {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true })
}
