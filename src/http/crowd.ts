/**
 * Makes room among the open connections: where no more may be open, one that says nothing gives way to one that comes. None that
 * waits for an answer is ever ended here.
 */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Of connections beyond the room, between their coming and another one's going: so many, or a quarter of a smaller room. */
const margin = 64

/**
 * @param room how many may be open
 * @param onFull told each time that one has to go: one that says nothing or, where every one waits for an answer, the one that comes
 */
export function makeRoom(server: Server, room: number, onFull: () => void): void {
  /** Each the oldest first: those that never asked anything, and the others with their newest answer. */
  const silent = new Set<Socket>()
  const heard = new Map<Socket, ServerResponse>()
  server.maxConnections = room + Math.min(margin, Math.ceil(room / 4))
  server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => {
      silent.delete(socket)
      heard.delete(socket)
    })
    if (silent.size + heard.size <= room) return
    const [oldest = socket] = silent
    const leaving = oldest === socket ? (idleOf(heard) ?? socket) : oldest
    onFull()
    silent.delete(leaving) // its close comes later, and the next one must not count on it
    heard.delete(leaving)
    leaving.destroy()
  })
  server.on('request', ({ socket }, response) => {
    silent.delete(socket)
    if (socket.destroyed) return
    heard.delete(socket) // so that the longest idle comes first
    heard.set(socket, response)
  })
}

function idleOf(heard: ReadonlyMap<Socket, ServerResponse>): Socket | undefined {
  for (const [socket, { writableFinished }] of heard) if (writableFinished) return socket
  return undefined
}
