// What people are told at a node: by commands, by its log, by its page in Chromium.
import { existsSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium } from 'playwright-core'
import { shipped, type RunningDaemon } from '../../test/daemon/cluster.js'
import { outputOf, type Machines } from './machines.js'

const browser = '/usr/bin/chromium'
const commands = ['status', 'doctor', 'peers'] as const
const logLines = 30
/** On a machine that is busy with six daemons. */
const loaded_ms = 120_000
/** So long the page has for its first answers. */
const drawn_ms = 3000

/** Writes it into the folder, a file each: of a node that is well, of the sick one where it still answers. */
export async function saveTold(machines: Machines, at: string, sick: string, folder: string): Promise<void> {
  for (const name of [at, sick]) {
    if (name === sick && !isAsked(machines.daemon(name))) continue
    for (const command of commands)
      await writeFile(join(folder, `${name}-${command}.txt`), await saidBy(machines, name, command))
  }
  for (const name of [at, sick]) {
    const lines = machines.daemon(name).log.trimEnd().split('\n').slice(-logLines)
    await writeFile(join(folder, `${name}-log.txt`), `${lines.join('\n')}\n`)
  }
  if (existsSync(browser)) await writeFile(join(folder, `${at}-page.txt`), await pageOf(machines, at))
}

/** A process that is stopped keeps whoever asks it waiting. */
function isAsked(daemon: RunningDaemon): boolean {
  return daemon.isUp && !daemon.isOver
}

async function saidBy(machines: Machines, name: string, command: string): Promise<string> {
  const { place, url } = {
    ...machines.daemon(name),
    place: machines.machine(name).place,
    url: machines.daemon(name).url,
  }
  const { PATH, HOME } = process.env
  const args = [shipped, command, '--server', new URL(url).host]
  const child = place.spawn('timeout', ['20', process.execPath, ...args], { PATH, HOME })
  return `$ rollcall ${command}   (on ${name})\n${await outputOf(child)}`
}

async function pageOf(machines: Machines, name: string): Promise<string> {
  const { pid } = machines.machine(name)
  const executablePath = join(await machines.cluster.dataDir('browser'), 'chromium')
  await writeFile(executablePath, `#!/bin/sh\nexec nsenter --net=/proc/${pid}/ns/net ${browser} "$@"\n`)
  await chmod(executablePath, 0o755)
  const opened = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await opened.newPage()
    const parts: string[] = []
    for (const view of ['services', 'reach', 'changes']) {
      await page.goto(`${machines.daemon(name).url}/ui#/${view}`)
      await page.waitForSelector('#views a', { timeout: loaded_ms })
      await pause(view === 'services' ? drawn_ms : drawn_ms / 3)
      parts.push(`---- ${view}\n${await page.evaluate(() => document.body.innerText)}`)
    }
    return `${parts.join('\n\n')}\n`
  } finally {
    await opened.close()
  }
}
