/**
 * Reads a file that people wrote in YAML or JSON. It says in which line that is wrong; what the content means is others'
 * business.
 */
import { closeSync, openSync } from 'node:fs'
import * as modules from 'node:module'
import type * as Yaml from 'yaml'
import type { Document, YAMLError } from 'yaml'
import { RegistryError } from '../core/model/errors.js'
import { readAtMost } from './bounded.js'

/**
 * What reads YAML, loaded by whoever first has a file to be read: most commands have none, and it takes as long as they do. By a name
 * of its own: where a program is bundled into one module, the bundler's users put a `createRequire` in front.
 */
export const yaml = (): typeof Yaml => modules.createRequire(import.meta.url)('yaml') as typeof Yaml

export interface Structured {
  readonly document: Document
  /** The line, from 1, of a place in the text. */
  lineAt(offset: number): number
}

/** More than any text holds that a daemon takes. */
const longestText_bytes = 16 * 1024 * 1024

/** @throws RegistryError `malformed`, naming the file */
export function readText(file: string | 0): string {
  return textOfBytes(readBytes(file, longestText_bytes))
}

export function textOfBytes(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

/**
 * Of a file, a pipe, or standard input, which is 0.
 * @throws RegistryError `malformed`, naming the file, and how large it may be where it is larger
 */
export function readBytes(file: string | 0, most_bytes: number): Buffer<ArrayBuffer> {
  try {
    if (file === 0) return readAtMost(file, most_bytes)
    const fd = openSync(file, 'r')
    try {
      return readAtMost(fd, most_bytes)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'EISDIR' ? 'a directory, not a file' : (code ?? message)
    throw new RegistryError('malformed', `cannot read ${file === 0 ? 'stdin' : file} (${why})`, { cause })
  }
}

/** What is wrong in a text. */
export interface Fault {
  readonly line: number
  /** In our words. */
  readonly what: string
  /** In those of the parser, which quotes the text. Absent: the parser has nothing against it. */
  readonly quoted?: string
  /** The parser's code for it, which quotes nothing. */
  readonly code?: string
}

/**
 * JSON needs no rule of its own here: it is YAML.
 * @param file how errors call it, or what they say instead
 * @returns undefined where there is nothing in it
 * @throws RegistryError `malformed`, naming file and line, with what is wrong as the parser tells it
 */
export function parseStructured(text: string, file: string | ((fault: Fault) => string)): Structured | undefined {
  const { LineCounter, parseAllDocuments } = yaml()
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const [document, second] = 'empty' in documents ? [] : documents
  if (document === undefined) return undefined
  const lineAt = (offset: number): number => lines.linePos(offset).line
  const tell = typeof file === 'string' ? (fault: Fault): string => inFile(file, fault) : file
  const error = document.errors[0] ?? second?.errors[0]
  if (error !== undefined) throw new RegistryError('malformed', tell(faultOf(error, lineAt(error.pos[0]))))
  if (second !== undefined) {
    const what = 'a second document begins; give one'
    throw new RegistryError('malformed', tell({ line: lineAt(second.range[0]), what }))
  }
  return { document, lineAt }
}

function faultOf({ message, code }: YAMLError, line: number): Fault {
  const [quoted] = message.split('\n')
  return {
    line,
    what: 'neither YAML nor JSON',
    quoted: quoted as string,
    code: code.toLowerCase().replaceAll('_', ' '),
  }
}

function inFile(file: string, { line, what, quoted }: Fault): string {
  return `${file}:${line}: ${what}${quoted === undefined ? '' : ` (${quoted})`}`
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
