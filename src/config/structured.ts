/**
 * Reads a file that people wrote in YAML or JSON, and says in which line it is wrong. What the content means is others' business.
 */
import { readFileSync } from 'node:fs'
import { type Document, LineCounter, parseAllDocuments } from 'yaml'
import { RegistryError } from '../core/errors.js'

export interface Structured {
  readonly document: Document
  /** The line, from 1, of a place in the text. */
  lineAt(offset: number): number
}

/** @throws RegistryError `malformed`, naming the file */
export function readText(file: string | 0): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\ufeff/, '')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new RegistryError('malformed', `cannot read ${file === 0 ? 'stdin' : file} (${why})`, { cause })
  }
}

/**
 * JSON needs no rule of its own here: it is YAML.
 * @param file how errors call it
 * @returns undefined where there is nothing in it
 * @throws RegistryError `malformed`, naming file and line
 */
export function parseStructured(text: string, file: string): Structured | undefined {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const [document, second] = 'empty' in documents ? [] : documents
  if (document === undefined) return undefined
  const lineAt = (offset: number): number => lines.linePos(offset).line
  const error = document.errors[0] ?? second?.errors[0]
  if (error !== undefined) {
    throw new RegistryError(
      'malformed',
      `${file}:${lineAt(error.pos[0])}: neither YAML nor JSON (${error.message.split('\n')[0]})`,
    )
  }
  if (second !== undefined) {
    throw new RegistryError('malformed', `${file}:${lineAt(second.range[0])}: a second document begins; give one`)
  }
  return { document, lineAt }
}

/**
 * The value of a YAML or JSON text.
 * @throws RegistryError `malformed`, naming the file
 */
export function readStructured(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const structured = parseStructured(text, file)
    if (structured === undefined) throw new RegistryError('malformed', `${file}: there is nothing in it`)
    const { document } = structured
    try {
      return document.toJS()
    } catch (cause) {
      throw new RegistryError('malformed', `${file}: ${(cause as Error).message}`, { cause })
    }
  }
}
