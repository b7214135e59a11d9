/**
 * The news of the daemon as they happen, by `fetch`, as an EventSource cannot carry a token.
 */
import type { News } from './answers.js'
import { open } from './asking.js'

/** Three of the daemon's signs of life. */
const silence_ms = 15_000

/**
 * Reads until it ends. @param tell once for all that came at a time; nothing came where only a sign of life did
 * @throws Unanswered where it does not begin, and whatever ends it
 */
export async function listen(tell: (news: readonly News[]) => void, ended: AbortSignal): Promise<void> {
  const silent = new AbortController()
  let timer = setTimeout(() => silent.abort(), silence_ms)
  try {
    const { body } = await open('v1/events', AbortSignal.any([ended, silent.signal]))
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(), silence_ms)
      const parts = (text + value).split('\n\n')
      text = parts.pop() ?? ''
      tell(parts.flatMap(newsOf))
    }
  } finally {
    clearTimeout(timer)
  }
}

function newsOf(part: string): readonly News[] {
  const said = part.split('\n').filter((line) => line.startsWith('data:'))
  if (said.length === 0) return []
  return [JSON.parse(said.map((line) => line.slice(5)).join('\n')) as News]
}
