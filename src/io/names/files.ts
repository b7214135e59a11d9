/**
 * What the files of a machine say of names: `hosts` knows some itself, `resolv.conf` how short ones are completed. They are read
 * again when they change, for networks do; what cannot be read for a while stays as it was.
 */
import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'

/** Between two looks at whether a file has changed. */
const look_ms = 1000
/** A longer one, such as a list of a million names to block, is left to the operating system. */
const fileLength = 4 * 1024 * 1024
/** As many as the resolver of the C library takes. */
const searchLimit = 6

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

export interface FileNames {
  readonly hosts: string
  readonly resolv: string
}

interface Search {
  readonly domains: readonly string[]
  /** A name with so many dots is tried as it stands first. */
  readonly dots: number
}

export class NameFiles {
  readonly #hosts: WatchedFile<ReadonlyMap<string, readonly Address[]>>
  readonly #search: WatchedFile<Search>

  constructor({ hosts, resolv }: FileNames) {
    this.#hosts = new WatchedFile(hosts, parseHosts)
    this.#search = new WatchedFile(resolv, parseSearch)
  }

  /** What `hosts` says of a name in lower case. */
  addresses(name: string): readonly Address[] | undefined {
    return this.#hosts.read().get(name)
  }

  /** The full names that a name may mean, in order. */
  meanings(name: string): string[] {
    if (name.endsWith('.')) return [name.slice(0, -1)]
    const { domains, dots } = this.#search.read()
    const longer = domains.map((domain) => `${name}.${domain}`)
    return name.split('.').length - 1 >= dots ? [name, ...longer] : [...longer, name]
  }

  /** Another number: the servers may be others by now. */
  get serversVersion(): number {
    this.#search.read()
    return this.#search.version
  }
}

class WatchedFile<T> {
  readonly #path: string
  readonly #parse: (text: string) => T
  #content: T
  #stamp = ''
  #lookedAt = Number.NEGATIVE_INFINITY
  version = 0

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path
    this.#parse = parse
    this.#content = parse('')
  }

  /** At once, and not by a thread: those may all be waiting for names. */
  read(): T {
    const now = performance.now()
    if (now - this.#lookedAt < look_ms) return this.#content
    this.#lookedAt = now
    try {
      const { mtimeMs, size, ino } = statSync(this.#path)
      const stamp = `${mtimeMs} ${size} ${ino}`
      if (stamp === this.#stamp) return this.#content
      this.#take(size > fileLength ? '' : readFileSync(this.#path, 'utf8'), stamp)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && this.#stamp !== '') this.#take('', '')
    }
    return this.#content
  }

  #take(text: string, stamp: string): void {
    this.#content = this.#parse(text)
    this.#stamp = stamp
    this.version += 1
  }
}

function parseHosts(text: string): ReadonlyMap<string, readonly Address[]> {
  const addressesByName = new Map<string, Address[]>()
  for (const [address = '', ...names] of wordsOf(text)) {
    const family = isIP(address)
    if (family !== 4 && family !== 6) continue
    for (const name of names.map((each) => each.toLowerCase())) {
      const known = addressesByName.get(name)
      if (known === undefined) addressesByName.set(name, [{ address, family }])
      else if (!known.some((each) => each.address === address)) known.push({ address, family })
    }
  }
  return addressesByName
}

function parseSearch(text: string): Search {
  let domains: readonly string[] = []
  let dots = 1
  for (const [keyword, ...values] of wordsOf(text)) {
    if (keyword === 'search' || keyword === 'domain') domains = values.slice(0, searchLimit)
    if (keyword !== 'options') continue
    for (const value of values) dots = Number(/^ndots:(\d+)$/.exec(value)?.[1] ?? dots)
  }
  return { domains: domains.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''), dots }
}

/** The words of each line, without comments. */
function wordsOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.replace(/[#;].*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/))
}
