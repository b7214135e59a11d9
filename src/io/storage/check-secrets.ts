/**
 * What checks say to prove who asks, as an earlier run kept it. What makes no sense of it is put aside for a person, never overwritten.
 */
import { rename, writeFile } from 'node:fs/promises'
import { messageOf } from '../../core/model/errors.js'
import { readObject } from '../../core/model/model.js'
import { SmallFile } from '../identity.js'

export interface KeptSecrets {
  readonly text?: string
  /** A sentence for the log. */
  readonly warning?: string
}

/** @throws RegistryError `unavailable` where it cannot be read */
export async function readCheckSecrets(path: string, wall: () => number): Promise<KeptSecrets> {
  const text = await new SmallFile(path).readText()
  if (text === undefined) return {}
  const found = readObject(text)
  const isWhole = found !== undefined && Object.values(found).every((one) => typeof one === 'object' && one !== null)
  if (isWhole) return { text }
  const aside = `${path}.damaged-${Math.trunc(wall() / 1000)}`
  const lost = 'checks whose values are not in it are not made until their instances are registered again'
  const warning = `${path}: makes no sense; ${await putAside(path, aside, found === undefined ? undefined : text)}; ${lost}`
  return found === undefined ? { warning } : { text, warning }
}

/** @param copy what of it still serves, and stays where it is */
async function putAside(path: string, aside: string, copy: string | undefined): Promise<string> {
  try {
    if (copy === undefined) await rename(path, aside)
    else await writeFile(aside, copy, { mode: 0o600 })
    return `it was put aside as ${aside}`
  } catch (error) {
    return `it could not be put aside (${messageOf(error)})`
  }
}
