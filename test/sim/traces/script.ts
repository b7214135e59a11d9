// A trace file as text: prose, commands (`> kill a`) and, beneath them and indented, what followed.

/** Lines that stay as they are, or commands with what followed on the last of them. */
export type Part =
  | { readonly type: 'prose'; readonly lines: readonly string[] }
  | { readonly type: 'commands'; readonly commands: readonly CommandLine[] }

export interface CommandLine {
  readonly text: string
  /** Where it stands in its file, from 1. */
  readonly line: number
}

const prompt = '> '

/** Reads all but the trace, which is made anew. */
export function parseScript(file: string, text: string): Part[] {
  const parts: { type: Part['type']; lines: string[]; commands: CommandLine[] }[] = []
  const part = (type: Part['type'], isNew: boolean): (typeof parts)[number] => {
    const last = parts.at(-1)
    if (last?.type === type && !isNew) return last
    parts.push({ type, lines: [], commands: [] })
    return parts.at(-1) as (typeof parts)[number]
  }
  let isTrace = false
  for (const [i, content] of text.trimEnd().split('\n').entries()) {
    if (content.startsWith(prompt)) {
      part('commands', isTrace).commands.push({ text: content.slice(prompt.length), line: i + 1 })
      isTrace = false
    } else if (content.startsWith(' ')) {
      if (parts.at(-1)?.type !== 'commands') throw new Error(`${file}:${i + 1}: a trace stands beneath no command`)
      isTrace = true
    } else {
      part('prose', false).lines.push(content)
      isTrace = false
    }
  }
  return parts
}

/** @param traces what followed on each group of commands, in their order */
export function writeScript(parts: readonly Part[], traces: readonly (readonly string[])[]): string {
  const left = [...traces]
  const lines = parts.flatMap((part) =>
    part.type === 'prose'
      ? part.lines
      : [...part.commands.map(({ text }) => prompt + text), ...(left.shift() ?? []).map((line) => `  ${line}`)],
  )
  return lines.map((line) => line.trimEnd() + '\n').join('')
}
