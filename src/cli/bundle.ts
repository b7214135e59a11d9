/**
 * Writes what a maintainer needs to see of a cluster into one file, for its owner's eyes alone, without secrets. Definitions are left
 * out: they are whatever somebody wrote into them.
 */
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Client } from '../client.js'
import { effectiveOptions } from '../config/effective.js'
import { packageVersion, protocolVersion } from '../config/version.js'
import type { Diagnosis } from '../core/doctor/findings.js'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { redacted } from '../core/words/redacted.js'

/** @returns the names of what is in it */
export async function bundle(
  client: Client,
  doctor: Diagnosis,
  file: string,
  token?: string,
): Promise<readonly string[]> {
  const [survey, self, peers, members, instances, nodes, digest, log] = await Promise.all(
    (['survey', 'self', 'peers', 'members', 'instanceRows', 'nodes', 'digest', 'log'] as const).map((what) =>
      asked(client, what),
    ),
  )
  const gathered = {
    ...{ made: new Date().toISOString(), server: client.server, versions: versions() },
    ...{ doctor, survey, self, peers, members, instances, nodes, digest, log },
    config: {
      note: 'of a daemon that would be started where this file was made: the one that was asked may have others',
      options: await tried(() => effectiveOptions({ flags: {}, env: process.env })),
    },
  }
  const secrets = [token, process.env['ROLLCALL_TOKEN']?.trim()].filter((one) => one !== undefined)
  const text = `${JSON.stringify(redacted(gathered, secrets), undefined, 2)}\n`
  await writeOwn(file, file.endsWith('.gz') ? await promisify(gzip)(text) : text)
  return Object.keys(gathered)
}

function versions(): object {
  return {
    rollcall: packageVersion,
    protocol: protocolVersion,
    node: process.version,
    platform: process.platform,
    arch: process.arch,
  }
}

type Question = 'survey' | 'self' | 'peers' | 'members' | 'instanceRows' | 'nodes' | 'digest' | 'log'

/** What one question does not give the others may. */
function asked(client: Client, what: Question): Promise<unknown> {
  return tried(() => client[what]())
}

async function tried(ask: () => unknown): Promise<unknown> {
  try {
    return await ask()
  } catch (error) {
    return { error: messageOf(error) }
  }
}

/** A file that was there before may have been for everybody; a device, such as /dev/null, stays so. */
async function writeOwn(file: string, content: string | Uint8Array): Promise<void> {
  try {
    const handle = await open(file, 'w', 0o600)
    try {
      if ((await handle.stat()).isFile()) await handle.chmod(0o600)
      await handle.writeFile(content)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new RegistryError('unavailable', `--bundle: cannot write ${file}: ${messageOf(error)}`, { cause: error })
  }
}
