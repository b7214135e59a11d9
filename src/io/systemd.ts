/**
 * What systemd is told of this process, by its own program: Node opens no datagram socket of the kind that it listens at. Without a service manager nothing happens.
 */
import { execFile } from 'node:child_process'

/** After it the daemon ends all the same, or is taken for started by nobody. */
const patience_ms = 5000

export interface Systemd {
  /** It answers callers. @param status one line for people, shown by `systemctl status` */
  started(status: string): Promise<void>
  status(status: string): Promise<void>
  /** It reads its options again; `started` says that it has. `Type=notify-reload` waits for both. */
  reloading(): Promise<void>
  stopping(): Promise<void>
}

/**
 * @param socket of the service manager (`NOTIFY_SOCKET`); undefined or empty: there is none
 * @param warn told once what keeps us from telling it
 */
export function createSystemd(
  { NOTIFY_SOCKET: socket = '', PATH }: NodeJS.ProcessEnv,
  warn: (sentence: string) => void,
): Systemd {
  let hasWarned = false
  /** In turn: a later status never arrives before an earlier one. */
  let last = Promise.resolve()
  const tell = (...assignments: readonly string[]): Promise<void> => {
    if (socket === '') return last
    last = last
      .then(() => notify(assignments))
      .then((failure) => {
        if (failure === undefined || hasWarned) return
        hasWarned = true
        warn(
          `systemd is not told that this daemon runs, since systemd-notify fails (${failure}); install it, or use Type=exec in the unit`,
        )
      })
    return last
  }
  const notify = (assignments: readonly string[]): Promise<string | undefined> =>
    new Promise((resolve) => {
      const env = { NOTIFY_SOCKET: socket, ...(PATH !== undefined && { PATH }) }
      execFile('systemd-notify', [...assignments], { env, timeout: patience_ms }, (error) => resolve(error?.message))
    })
  return {
    started: (status) => tell('READY=1', `STATUS=${oneLine(status)}`),
    status: (status) => tell(`STATUS=${oneLine(status)}`),
    reloading: () => tell('RELOADING=1', `MONOTONIC_USEC=${monotonic_us()}`),
    stopping: () => tell('STOPPING=1'),
  }
}

/** By CLOCK_MONOTONIC, which is what Node reads too: what was said before systemd asked is no answer to it. */
function monotonic_us(): bigint {
  return process.hrtime.bigint() / 1000n
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 400)
}
