/** Those whose handshake is not done: who gives way when too many come, and that whoever speaks gets in all the same. */
import { EventEmitter } from 'node:events'
import { connect, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { Allowances } from '../../src/io/network/allowances.js'
import { HalfOpen } from '../../src/io/network/half-open.js'
import { eventually } from './eventually.js'
import { connected, startSite } from './networkworld.js'

/** A listener with a room for four, or so many, without a network. */
function startDoor(silent_ms = 60_000, room = 4) {
  const server = new EventEmitter()
  const counts = { full: 0, silent: 0 }
  const [inside, over]: [string[], (() => void)[]] = [[], []]
  const halfOpen = new HalfOpen({
    ...{ room, silent_ms, allowances: new Allowances() },
    onFull: () => (counts.full += 1),
    onSilent: () => (counts.silent += 1),
  })
  server.on('connection', ({ name }: Caller) => {
    inside.push(name)
    void halfOpen.during(() => new Promise<void>((resolve) => over.push(resolve)))
  })
  halfOpen.guard(server as unknown as Server)
  const come = (name: string, remoteAddress: string): Caller => {
    const caller = Object.assign(new PassThrough(), { name, remoteAddress })
    server.emit('connection', caller)
    return caller
  }
  return { halfOpen, counts, inside, over, come }
}

type Caller = PassThrough & { readonly name: string; readonly remoteAddress: string }

async function speak(caller: Caller, door: { readonly inside: readonly string[] }): Promise<void> {
  caller.write('hello')
  expect(door.inside).not.toContain(caller.name)
  caller.write(', this is a handshake')
  await eventually(`${caller.name} is let in`, () => door.inside.includes(caller.name))
}

test('the oldest that has said nothing gives way, of one address first where that has more than its share', async () => {
  const door = startDoor()
  const [spoken, first, greedy, lone] = [
    door.come('spoken', '10.0.0.1'),
    door.come('first', '10.0.0.2'),
    door.come('greedy', '10.0.0.3'),
    door.come('greedy too', '10.0.0.3'),
  ]
  await speak(spoken!, door)
  const newcomer = door.come('newcomer', '10.0.0.4')
  expect([first, greedy, lone, newcomer].map((each) => each!.destroyed)).toEqual([false, true, false, false])
  door.come('next', '10.0.0.5')
  expect([first!.destroyed, spoken!.destroyed, door.counts.full]).toEqual([true, false, 2])
  await speak(newcomer, door)
  expect(newcomer.read()?.toString()).toBe('hello, this is a handshake')
})

test('all on this machine may fill the room, and go by their age alone', () => {
  const door = startDoor()
  const far = door.come('far', '10.0.0.1')
  const near = ['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.0.0.1'].map((address) => door.come(address, address))
  expect([far, ...near].map(({ destroyed }) => destroyed)).toEqual([true, false, false, false, false])
})

test('a handshake that goes on for long gives way last, and one that is over takes no place', async () => {
  const door = startDoor()
  for (const name of ['1', '2', '3', '4']) await speak(door.come(name, `10.0.0.${name}`), door)
  door.over[0]?.()
  await eventually('its place is free', () => door.halfOpen.size === 3)
  const silent = door.come('silent', '10.0.0.5')
  const next = door.come('next', '10.0.0.6')
  expect([silent.destroyed, next.destroyed, door.counts.full]).toEqual([true, false, 1])
})

test('a room full of handshakes of a few addresses has a place for somebody from elsewhere', async () => {
  const door = startDoor(60_000, 8)
  const held: Caller[] = []
  for (let i = 0; i < 8; i++) {
    const caller = door.come(`${i}`, `10.0.0.${i % 4}`)
    await speak(caller, door)
    held.push(caller)
  }
  const lone = door.come('lone', '10.0.1.1')
  for (let i = 0; i < 8; i++) held.push(door.come(`more ${i}`, `10.0.0.${i % 4}`))
  await speak(lone, door)
  expect(held.filter(({ destroyed }) => destroyed).length).toBe(9)
})

test('who comes by the thousand waits, and somebody from elsewhere does not wait for that', async () => {
  const many = 2000
  const door = startDoor(60_000, 2 * many)
  for (let i = 0; i < many; i++) door.come(`greedy ${i}`, '10.0.0.1').write('hello, this is a handshake')
  await eventually('some of them are in', () => door.inside.length > 0)
  door.come('lone', '10.0.0.2').write('hello, this is a handshake')
  await eventually('the lone one is in', () => door.inside.includes('lone'))
  expect(door.inside.length).toBeLessThan(many)
  door.halfOpen.stop()
})

test('who goes before its turn keeps nobody waiting, and a stop ends those that wait', async () => {
  const many = 2000
  const door = startDoor(60_000, 3 * many)
  const speaks = (name: string): Caller => {
    const caller = door.come(name, '10.0.0.1')
    caller.write('hello, this is a handshake')
    return caller
  }
  const going = Array.from({ length: many }, (_, i) => speaks(`going ${i}`))
  await eventually('some of them are in', () => door.inside.length > 0)
  for (const caller of going) caller.destroy()
  await eventually('they are gone', () => door.halfOpen.size < many / 2)
  speaks('staying')
  await eventually('who stays is in', () => door.inside.includes('staying'))
  expect(door.inside.length).toBeLessThan(many)
  const waiting = Array.from({ length: many }, (_, i) => speaks(`waiting ${i}`))
  await eventually('some of those are in', () => door.inside.some((name) => name.startsWith('waiting')))
  door.halfOpen.stop()
  const isIn = new Set(door.inside)
  expect(waiting.filter(({ name, destroyed }) => !destroyed && !isIn.has(name))).toEqual([])
})

test('once it stops it holds nobody, and lets nobody in', async () => {
  const door = startDoor()
  const [silent, speaking] = [door.come('silent', '10.0.0.1'), door.come('speaking', '10.0.0.1')]
  await speak(speaking, door)
  door.halfOpen.stop()
  const late = door.come('late', '10.0.0.1')
  expect([silent, speaking, late].map(({ destroyed }) => destroyed)).toEqual([true, false, true])
})

test('who says nothing, or ends, is let go', async () => {
  const door = startDoor(30)
  door.come('silent', '10.0.0.1')
  door.come('brief', '10.0.0.1').write('hello')
  door.come('ended', '10.0.0.1').end()
  await eventually('they have gone', () => door.halfOpen.size === 0)
  expect([door.counts.silent, door.inside]).toEqual([2, []])
})

const flood = new Set<Socket>()
afterEach(() => flood.forEach((socket) => socket.removeAllListeners('close').destroy()))

test('hundreds of silent connections, each replaced as it ends, keep nobody out, and none of them is reset', async () => {
  const site = await startSite()
  const port = Number(/tcp\/(\d+)/.exec(site.network.addresses()[0] ?? '')?.[1])
  const seen = { open: 0, resets: 0 }
  const fill = (): void => {
    const socket = connect(port, '127.0.0.1', () => (seen.open += 1)).resume()
    flood.add(socket)
    socket.on('error', () => (seen.resets += 1))
    socket.on('close', () => {
      flood.delete(socket)
      setTimeout(fill, 1)
    })
  }
  for (let i = 0; i < 300; i += 1) fill()
  await eventually('they are there', () => seen.open >= 300)
  const newcomer = await startSite({ join: site.network.addresses() })
  await connected(site, newcomer)
  expect(seen).toEqual({ open: 300, resets: 0 })
})
