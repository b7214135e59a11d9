/**
 * Reads files of secrets that options name: what others can read is none.
 */
import { RegistryError } from '../core/model/errors.js'
import { type OptionFile, readOptionFile } from './option-file.js'

/**
 * @param wayOut for where it cannot be read
 * @throws RegistryError `malformed`, naming the file
 */
export function readSecretFile(path: string, wayOut: string): Buffer {
  const file = readOptionFile(path, wayOut)
  const reader = process.getuid?.()
  if (reader === undefined || isSecret(file, reader)) return file.content
  const [others, mode] = isLent(file, reader) ? ['root and its group', '640'] : ['its owner', '600']
  throw new RegistryError(
    'malformed',
    `${path} is open to others than ${others} (mode ${file.mode.toString(8)}); run: chmod ${mode} ${path}`,
  )
}

/**
 * One's own is for oneself alone, as for ssh. What root has put there for another user is read by way of a group, or of an access list,
 * whose mask `stat` shows in the place of the group: Kubernetes (`fsGroup`) and systemd (`LoadCredential`) know no other way. PostgreSQL
 * has the same rule.
 * @param reader the user of this process
 */
export function isSecret({ mode, owner }: Pick<OptionFile, 'mode' | 'owner'>, reader: number): boolean {
  return (mode & (isLent({ owner }, reader) ? 0o037 : 0o077)) === 0
}

function isLent({ owner }: Pick<OptionFile, 'owner'>, reader: number): boolean {
  return owner === 0 && reader !== 0
}
