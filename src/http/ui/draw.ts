/**
 * Elements as plain values, which are drawn into the document with as few changes as that takes, so that what has the focus keeps it.
 * Text becomes text, whatever it holds: no function here reads markup.
 */

export type Handler = (event: Event) => void
export type Style = Readonly<Record<string, string>>
type Attribute = string | number | boolean | undefined

export interface Attributes {
  /** Who it is among its siblings, where these may change their order. */
  readonly key?: string
  readonly style?: Style
  readonly [name: string]: Attribute | Handler | Style
}

export interface Drawn {
  readonly tag: string
  readonly attributes: Attributes
  readonly children: readonly (Drawn | string)[]
}

export type Child = Drawn | string | number | undefined | false | readonly Child[]

/** @param attributes those that begin with `on` are handlers; undefined and false are left out */
export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): Drawn {
  const { title } = attributes
  const read = typeof title === 'string' ? { ...attributes, title: visible(title) } : attributes
  return { tag, attributes: read, children: flat(children) }
}

function visible(text: string): string {
  return text.replace(unseen, '\ufffd')
}

/**
 * What is not seen, but hides something or turns the direction of what follows, so that `gpj.exe` reads as a picture: there is something,
 * where it stands. The same as terminals are not told (src/core/words/harmless.ts), but for what ends a line in a text of several.
 */
const unseen =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

function flat(children: readonly Child[]): (Drawn | string)[] {
  return children.flatMap((child): (Drawn | string)[] => {
    if (child === undefined || child === false || child === '') return []
    if (typeof child === 'number') return [String(child)]
    if (typeof child === 'string') return [visible(child)]
    return 'tag' in child ? [child] : flat(child)
  })
}

const drawnAs = new WeakMap<Node, Drawn>()
/** Those with keys among their children: few, so that all others need no look at theirs. */
const keyedParents = new WeakSet<Element>()

/** Makes the children of an element what they are to be. */
export function draw(parent: Element, ...children: readonly Child[]): void {
  drawChildren(parent, flat(children))
}

function drawChildren(parent: Element, children: readonly (Drawn | string)[]): void {
  const keyed = keepThoseOf(parent, children)
  let place = parent.firstChild
  for (const child of children) {
    const node = nodeFor(child, place, keyed)
    if (node === place) place = place.nextSibling
    else parent.insertBefore(node, place)
  }
  while (place !== null) {
    const next = place.nextSibling
    place.remove()
    place = next
  }
}

/** What goes is taken away first: those that stay need not be moved then, and what is moved loses the focus. */
function keepThoseOf(parent: Element, children: readonly (Drawn | string)[]): Map<string, Element> {
  const kept = new Map<string, Element>()
  const isKeyed = children.some((child) => typeof child !== 'string' && child.attributes.key !== undefined)
  if (!isKeyed && !keyedParents.has(parent)) return kept
  if (isKeyed) keyedParents.add(parent)
  else keyedParents.delete(parent)
  const wanted = new Set(children.map((child) => (typeof child === 'string' ? undefined : child.attributes.key)))
  for (const node of Array.from(parent.childNodes)) {
    const key = drawnAs.get(node)?.attributes.key
    if (key === undefined) continue
    if (wanted.has(key)) kept.set(key, node as Element)
    else node.remove()
  }
  return kept
}

/** The node that stands there, or one of the same key, made equal; else a new one. */
function nodeFor(child: Drawn | string, place: ChildNode | null, keyed: Map<string, Element>): ChildNode {
  if (typeof child === 'string') {
    if (place === null || place.nodeType !== Node.TEXT_NODE) return document.createTextNode(child)
    if (place.nodeValue !== child) place.nodeValue = child
    return place
  }
  const { key } = child.attributes
  const known = key === undefined ? place : keyed.get(key)
  const before = known === null || known === undefined ? undefined : drawnAs.get(known)
  const isSame = before !== undefined && before.tag === child.tag && before.attributes.key === key
  const node = isSame ? (known as Element) : document.createElement(child.tag)
  if (before !== child) equip(node, isSame ? before.attributes : {}, child.attributes)
  if (before !== child) drawChildren(node, child.children)
  drawnAs.set(node, child)
  return node
}

function equip(node: Element, before: Attributes, after: Attributes): void {
  for (const name of Object.keys(before)) if (!(name in after)) set(node, name, undefined)
  for (const [name, value] of Object.entries(after)) {
    if (name === 'value') setValue(node as HTMLInputElement, String(value))
    else if (value !== before[name]) set(node, name, value)
  }
}

/** What its user has typed meanwhile is what it says. */
function setValue(node: HTMLInputElement, value: string): void {
  if (node.value !== value && document.activeElement !== node) node.value = value
}

function set(node: Element, name: string, value: Attributes[string]): void {
  if (name === 'key') return
  if (name.startsWith('on')) {
    Object.assign(node, { [name]: value ?? null })
  } else if (name === 'style') {
    for (const [property, said] of Object.entries((value ?? {}) as Style))
      (node as HTMLElement).style.setProperty(property, said)
  } else if (value === undefined || value === false) {
    node.removeAttribute(name)
  } else {
    node.setAttribute(name, value === true ? '' : String(value))
  }
}
