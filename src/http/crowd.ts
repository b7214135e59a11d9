/**
 * Makes room among the open connections: where no more may be open, one that says nothing gives way to one that comes, or one that does
 * not take what it was answered. None that waits for an answer is ever ended here.
 */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Of connections beyond the room, between their coming and another one's going: so many, or a quarter of a smaller room. */
const margin = 64

/** From a question to its answer taken whole, before its place is somebody else's: across the world a large one takes less. */
const untaken_ms = 5000

interface Heard {
  /** The newest one. */
  readonly response: ServerResponse
  /** When it asked for what it has not taken yet. */
  readonly since: number
}

/**
 * @param room how many may be open
 * @param onFull told each time that one has to go: one of those above or, where every one waits for an answer, the one that comes
 */
export function makeRoom(server: Server, room: number, onFull: () => void, patience_ms = untaken_ms): void {
  /** Each the oldest first: those that never asked anything, and the others by their newest question. */
  const silent = new Set<Socket>()
  const heard = new Map<Socket, Heard>()
  server.maxConnections = room + Math.min(margin, Math.ceil(room / 4))
  server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => {
      silent.delete(socket)
      heard.delete(socket)
    })
    if (silent.size + heard.size <= room) return
    const [oldest = socket] = silent
    const leaving =
      oldest === socket ? (idleOf(heard) ?? deafOf(heard, performance.now() - patience_ms) ?? socket) : oldest
    onFull()
    silent.delete(leaving) // its close comes later, and the next one must not count on it
    heard.delete(leaving)
    leaving.destroy()
  })
  server.on('request', ({ socket }, response) => {
    silent.delete(socket)
    if (socket.destroyed) return
    const last = heard.get(socket)
    const since = last?.response.writableFinished === false ? last.since : performance.now()
    heard.delete(socket) // so that the longest idle comes first
    heard.set(socket, { response, since })
  })
}

function idleOf(heard: ReadonlyMap<Socket, Heard>): Socket | undefined {
  for (const [socket, { response }] of heard) if (response.writableFinished) return socket
  return undefined
}

/** Its answer was made, and it does not take it. */
function deafOf(heard: ReadonlyMap<Socket, Heard>, before: number): Socket | undefined {
  for (const [socket, { response, since }] of heard) if (response.writableEnded && since <= before) return socket
  return undefined
}
