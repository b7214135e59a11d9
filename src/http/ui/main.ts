/**
 * The page: what is known of the daemon, drawn as the url asks for. It changes nothing anywhere.
 */
import { type Child, draw, h } from './draw.js'
import { Held } from './held.js'
import { drawScrolled, moveFocus } from './list.js'
import { mark, unseen } from './marks.js'
import { reachOf } from './reach.js'
import { remembered } from './remembered.js'
import { hashOf, parseRoute, type Route, type View, views } from './route.js'
import { servicesOf } from './services.js'
import { banner, headlineOf, type Seen } from './show-banner.js'
import { showChanges } from './show-changes.js'
import { showDefinitions } from './show-definitions.js'
import { showNodes } from './show-nodes.js'
import { showReach } from './show-reach.js'
import { showServices } from './show-services.js'
import { TokenForm } from './token-form.js'
import { type Problem, problemsOf } from './verdict.js'

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement

const services = remembered(servicesOf)
const reach = remembered(reachOf)
const none: readonly never[] = []
/** As in `style.css`. */
const narrow = matchMedia('(max-width: 640px)')

let route = parseRoute(location.hash)
let isOpen = false
/** What the next frame is to draw. */
let due: 'all' | 'lists' | undefined
const held = new Held(redraw)
const form = new TokenForm(() => held.resume())

function redraw(): void {
  drawSoon('all')
}

/** Where its reader is says nothing new: rows come into sight, and that is all. */
function onScroll(): void {
  if (due === undefined) drawSoon('lists')
}

function drawSoon(what: 'all' | 'lists'): void {
  const isDue = due !== undefined
  due = what
  if (isDue) return
  requestAnimationFrame(() => {
    const all = due === 'all'
    due = undefined
    if (all) drawAll()
    else drawScrolled()
  })
}

/** What is there when the page has just been opened has been there before. */
const justOpened_ms = 5000
const seen = new Map<string, { readonly first_ms: number; readonly wasBefore: boolean }>()

function noted(problems: readonly Problem[]): readonly Seen[] {
  const now = Date.now()
  const keys = new Set(problems.map(({ key }) => key))
  for (const key of seen.keys()) if (!keys.has(key)) seen.delete(key)
  return problems.map((problem) => {
    const known = seen.get(problem.key) ?? { first_ms: now, wasBefore: now - held.opened_ms < justOpened_ms }
    seen.set(problem.key, known)
    return { problem, ...known }
  })
}

function drawAll(): void {
  const { known, trouble } = held
  const all = services(known.rows ?? none)
  const whole = known.survey === undefined ? undefined : reach(known.survey)
  const facts = { known, services: all, now_ms: Date.now(), membersAge_ms: held.ageOf('self') }
  const problems = noted(known.rows === undefined ? [] : problemsOf(facts))
  const parts = { held, problems, isOpen, isNarrow: narrow.matches, toggle, askForToken }
  document.body.toggleAttribute('data-away', trouble !== undefined)
  draw(element('banner'), banner(parts))
  draw(element('views'), navigation(parts))
  draw(element('main'), filter(), shown(all, whole))
  draw(element('keys'), keys())
  say(parts)
  if (trouble?.asksForToken === true) form.askOnce(trouble.why)
  else form.settled()
}

function shown(all: ReturnType<typeof servicesOf>, whole: ReturnType<typeof reachOf> | undefined): readonly Child[] {
  switch (route.view) {
    case 'services':
      return showServices({ held, route, services: all })
    case 'reach':
      return showReach(held, route, whole)
    case 'changes':
      return showChanges(held, route)
    case 'nodes':
      return showNodes(held, route)
    case 'definitions':
      return showDefinitions(held, route)
  }
}

/** Where it changes it is read aloud; how old it is changes all the time. */
function say(parts: { readonly held: Held; readonly problems: readonly Seen[] }): void {
  const { text } = headlineOf(parts)
  const [first] = parts.held.trouble === undefined ? parts.problems : []
  const sentence = first === undefined ? text : `${text}: ${first.problem.text}`
  const said = element('said')
  if (said.textContent !== sentence) said.textContent = sentence
  const title = `${text} – ${held.known.self?.nodeId ?? 'Rollcall'}`
  if (document.title !== title) document.title = title
}

const titles: Readonly<Record<View, string>> = {
  services: 'Services',
  reach: 'Reach',
  changes: 'Changes',
  nodes: 'Nodes',
  definitions: 'Definitions',
}

function navigation({ problems }: { readonly problems: readonly Seen[] }): readonly Child[] {
  const { known, trouble } = held
  const total: Readonly<Partial<Record<View, number>>> = {
    ...(known.rows !== undefined && { services: services(known.rows).length }),
    ...(known.self !== undefined && { nodes: known.members.length, definitions: known.definitions.length }),
  }
  const link = (view: View): Child => {
    const here = view === route.view ? ({ 'aria-current': 'page' } as const) : {}
    const wrong = trouble === undefined ? problems.filter(({ problem }) => problem.to.view === view) : []
    const number = total[view]
    return h(
      'li',
      { key: view },
      h(
        'a',
        { href: hashOf({ view }), ...here },
        titles[view],
        number !== undefined && h('span', { class: 'dim' }, ` ${number}`),
        wrong.length > 0 &&
          badge(
            wrong.length,
            wrong.some(({ problem }) => problem.severity === 'error'),
          ),
      ),
    )
  }
  return [h('ul', {}, views.map(link))]
}

function badge(number: number, isError: boolean): Child {
  const tone = isError ? 'bad' : 'warn'
  return h('span', { class: `badge ${tone}` }, mark(tone), number, unseen(number === 1 ? ' problem' : ' problems'))
}

const found: Readonly<Record<View, string>> = {
  services: 'Find by slug, url, address, id',
  reach: 'Find by node, zone',
  changes: 'Find by slug, id, who, what',
  nodes: 'Find by name, url, zone, state',
  definitions: 'Find by anything in it',
}

function filter(): Child {
  return h(
    'div',
    { key: 'filter', class: 'filter', role: 'search' },
    h('label', { for: 'filter', class: 'unseen' }, found[route.view]),
    h('input', {
      id: 'filter',
      type: 'search',
      placeholder: found[route.view],
      value: route.filter,
      autocomplete: 'off',
      spellcheck: 'false',
      oninput: type,
    }),
  )
}

function keys(): Child {
  return [
    h('kbd', {}, '/'),
    ' find · ',
    h('kbd', {}, '↑'),
    ' ',
    h('kbd', {}, '↓'),
    ' rows · ',
    h('kbd', {}, 'Enter'),
    ' open · ',
    h('kbd', {}, 'Esc'),
    ' back · ',
    h('kbd', {}, '1'),
    '–',
    h('kbd', {}, '5'),
    ' views · read-only · ',
    h('a', { href: 'openapi.json' }, 'API'),
  ]
}

function toggle(): void {
  isOpen = !isOpen
  redraw()
}

function askForToken(): void {
  form.ask(held.trouble?.why ?? 'This daemon asks for a token.')
}

/** Typing is one step of the history of the browser, not one for each letter. */
function type({ target }: Event): void {
  go({ ...route, filter: (target as HTMLInputElement).value }, true)
}

function go(to: Partial<Route>, isSame = false): void {
  const hash = hashOf(to)
  if (isSame) history.replaceState(undefined, '', hash)
  else history.pushState(undefined, '', hash)
  follow()
}

function follow(): void {
  const before = route
  route = parseRoute(location.hash)
  held.show(route.view)
  const field = document.getElementById('filter') as HTMLInputElement | null
  if (field !== null && field.value !== route.filter) field.value = route.filter
  drawAll()
  const chosen = (of: Route): string => `${of.view} ${of.service} ${of.instance} ${of.node} ${of.definition}`
  if (before.view !== route.view) scrollTo(0, 0)
  else if (chosen(before) !== chosen(route)) document.querySelector('.second')?.scrollTo(0, 0)
}

/** One thing at a time: what was typed, what is chosen. */
function back(field: HTMLInputElement | undefined): void {
  const { service, instance, node, definition, ...rest } = route
  if (field !== undefined && field.value !== '') {
    field.value = ''
    return go({ ...rest, ...(service !== undefined && { service }), filter: '' }, true)
  }
  field?.blur()
  if (instance !== undefined && service !== undefined) return go({ ...rest, service })
  if ([service, instance, node, definition].some((one) => one !== undefined)) return go(rest)
  if (route.filter !== '') go({ ...rest, filter: '' }, true)
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) return
  const field = event.target instanceof HTMLInputElement ? event.target : undefined
  const { key } = event
  if (key === 'Escape') back(field)
  else if (key === 'ArrowDown' && moveFocus(1)) event.preventDefault()
  else if (key === 'ArrowUp' && field === undefined && moveFocus(-1)) event.preventDefault()
  else if (field === undefined && key === '/') {
    event.preventDefault()
    element('filter').focus()
  } else if (field === undefined && /^[1-5]$/.test(key)) go({ view: views[Number(key) - 1]! })
}

addEventListener('hashchange', follow)
addEventListener('popstate', follow)
addEventListener('keydown', onKey)
addEventListener('resize', redraw)
document.addEventListener('scroll', onScroll, { capture: true, passive: true })
document.addEventListener('visibilitychange', () => (document.hidden ? held.pause() : held.resume()))
setInterval(() => {
  if (!document.hidden) redraw()
}, 1000)
held.show(route.view)
drawAll()
held.resume()
