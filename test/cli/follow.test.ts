/** `--watch`: what is drawn, when it is drawn anew, what happens when the daemon goes away. Time is moved by hand. */
import { describe, expect, test } from 'vitest'
import { createClient } from '../../src/client.js'
import { follow, type Terminal } from '../../src/cli/follow.js'
import { plainLook } from '../../src/cli/table.js'
import { RegistryError } from '../../src/core/model/errors.js'

interface Answer {
  readonly state: string
  readonly stateAge_ms: number
}

type Step = Answer | Error

class PretendScreen implements Terminal {
  inPlace = true
  readonly written: string[] = []
  readonly complaints: string[] = []
  rows = 24
  look = () => ({ ...plainLook, width: 80 })
  height = (): number => this.rows
  write(text: string): void {
    this.written.push(text)
  }
  complain(text: string): void {
    this.complaints.push(text)
  }
}

/** Answers what the script says, one step a round, a second each, then ends as by Ctrl-C. */
async function play(script: readonly Step[], screen: PretendScreen, json = false): Promise<void> {
  const abort = new AbortController()
  let round = -1
  await follow<Answer>({
    ask: async () => {
      const step = script[(round += 1)]!
      await Promise.resolve()
      if (step instanceof Error) throw step
      return step
    },
    show: ({ state, stateAge_ms }) => (json ? '' : `${state} for ${stateAge_ms}`),
    ...{ json, interval_ms: 1000, screen, signal: abort.signal },
    pause: async () => {
      await Promise.resolve()
      if (round === script.length - 1) abort.abort()
    },
    now: () => round * 1000,
  })
}

async function unreachable(): Promise<Error> {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  const client = createClient({ server: 'http://127.0.0.1:9', fetch: () => Promise.reject(refused) })
  return client.self().then(
    () => new Error('unexpected'),
    (error: unknown) => error as Error,
  )
}

const alive = (stateAge_ms: number): Answer => ({ state: 'alive', stateAge_ms })
const dead: Answer = { state: 'dead', stateAge_ms: 0 }
const onOtherScreen = '\u001b[?1049h'
const backOnOwn = '\u001b[?1049l'

describe('on a terminal', () => {
  test('each look draws over the last one, on the other screen; the last frame stays on the own one', async () => {
    const screen = new PretendScreen()
    await play([alive(1), alive(2), dead], screen)
    expect(screen.written).toHaveLength(4)
    expect(screen.written[0]).toContain(onOtherScreen)
    expect(screen.written.slice(1).join('')).not.toContain(onOtherScreen)
    for (const frame of screen.written.slice(0, 3)) expect(frame).toContain('\u001b[H')
    expect(screen.written[1]).toContain('alive for 2')
    expect(screen.written[3]).toMatch(/\u001b\[\?25h\u001b\[\?1049ldead for 0\n$/)
  })

  test('a daemon that is gone is said above what was seen last, and for how long', async () => {
    const screen = new PretendScreen()
    const gone = await unreachable()
    await play([alive(1), gone, gone, alive(9)], screen)
    expect(screen.written[2]).toContain('for 1.0 s: no daemon answers at http://127.0.0.1:9 (connection refused)')
    expect(screen.written[2]).toContain('alive for 1')
    expect(screen.written[3]).not.toContain('no daemon')
    expect(screen.written[3]).toContain('alive for 9')
  })

  test('what is longer than the screen is cut, and counted', async () => {
    const screen = new PretendScreen()
    screen.rows = 6
    const tall: Answer = { state: ['1', '2', '3', '4', '5', '6'].join('\n'), stateAge_ms: 0 }
    await play([tall], screen)
    expect(screen.written[0]).toContain('4\u001b[K\r\n… 2 lines more')
    expect(screen.written[0]!.split('\n')).toHaveLength(6)
    expect(screen.written[1]).toContain('6 for 0')
  })

  test('a bug in what is shown puts the screen back before it is told', async () => {
    const screen = new PretendScreen()
    await expect(play([alive(1), new TypeError('a bug')], screen)).rejects.toThrow('a bug')
    expect(screen.written.at(-1)).toContain(backOnOwn)
  })
})

describe('the first question', () => {
  test('decides: nobody there, or asked wrongly, ends it without a screen', async () => {
    for (const error of [
      await unreachable(),
      new RegistryError('malformed', 'wrong'),
      new RegistryError('forbidden', 'no'),
    ]) {
      const screen = new PretendScreen()
      await expect(play([error], screen)).rejects.toBe(error)
      expect(screen.written).toEqual([])
    }
  })

  test('for what is not there yet is asked again', async () => {
    const screen = new PretendScreen()
    await play([new RegistryError('not-found', 'nothing is registered as web'), alive(1)], screen)
    expect(screen.written[0]).toContain('nothing is registered as web')
    expect(screen.written[1]).toContain('alive for 1')
  })
})

describe('into a file or a pipe', () => {
  async function lines(script: readonly Step[], json: boolean): Promise<PretendScreen> {
    const screen = new PretendScreen()
    screen.inPlace = false
    await play(script, screen, json)
    return screen
  }

  test('--json gives one line for each change, and none for ages that grow', async () => {
    const { written } = await lines([alive(1), alive(2), dead, dead, alive(3)], true)
    expect(written.map((line) => JSON.parse(line) as Answer)).toEqual([alive(1), dead, alive(3)])
    for (const line of written) expect(line).toMatch(/^[^\n]+\n$/)
  })

  test('tables follow each other, with a line between', async () => {
    const { written } = await lines([alive(1), alive(2), dead], false)
    expect(written).toEqual(['alive for 1\n', '\ndead for 0\n'])
  })

  test('a daemon that is gone is said once, and that it is back; what it says then is news', async () => {
    const gone = await unreachable()
    const { written, complaints } = await lines([alive(1), gone, gone, alive(2)], true)
    expect(written).toHaveLength(2)
    expect(complaints).toHaveLength(2)
    expect(complaints[0]).toMatch(/^rollcall: no daemon answers at .*; trying again$/)
    expect(complaints[1]).toMatch(/answers again$/)
  })

  test('--json on a terminal is lines as well', async () => {
    const screen = new PretendScreen()
    await play([alive(1)], screen, true)
    expect(screen.written).toEqual([`${JSON.stringify(alive(1))}\n`])
  })
})
