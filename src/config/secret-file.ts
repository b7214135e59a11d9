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
  if (process.getuid === undefined || isSecret(file)) return file.content
  const [others, mode] = isOfRoot(file) ? ['root and its group', '640'] : ['its owner', '600']
  throw new RegistryError(
    'malformed',
    `${path} is open to others than ${others} (mode ${file.mode.toString(8)}); run: chmod ${mode} ${path}`,
  )
}

/**
 * One's own is for oneself alone, as for ssh. What root has put there may be read by way of a group, or of an access list, whose mask
 * `stat` shows in the place of the group: Kubernetes (`fsGroup`) and systemd (`LoadCredential`) know no other way, and do so for a
 * daemon of root as well. PostgreSQL has the same rule.
 */
export function isSecret(file: Pick<OptionFile, 'mode' | 'owner'>): boolean {
  return (file.mode & (isOfRoot(file) ? 0o037 : 0o077)) === 0
}

function isOfRoot({ owner }: Pick<OptionFile, 'owner'>): boolean {
  return owner === 0
}
