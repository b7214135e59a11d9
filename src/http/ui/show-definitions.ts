/**
 * The definitions: what services are, in the words of whoever saved them.
 */
import type { Definition } from './answers.js'
import { type Child, h } from './draw.js'
import type { Held } from './held.js'
import { list } from './list.js'
import { code } from './marks.js'
import { hashOf, type Route } from './route.js'
import { wordsOf } from './services.js'
import { count } from './words.js'

const longest = 50_000

export function showDefinitions(held: Held, route: Route): readonly Child[] {
  const { definitions } = held.known
  const words = wordsOf(route.filter)
  const shown = definitions.filter(
    (one) => words.length === 0 || words.every((word) => JSON.stringify(one).toLowerCase().includes(word)),
  )
  const chosen = definitions.find(({ id }) => id === route.definition)
  return [
    h('p', { class: 'dim tally' }, count(definitions.length, 'definition')),
    h(
      'div',
      { class: chosen === undefined ? 'one' : 'two' },
      h(
        'section',
        { key: 'definitions', class: 'first', 'aria-label': 'Definitions' },
        list<Definition>({
          id: 'definitions',
          caption: 'Definitions',
          columns: [
            { head: 'Definition', class: 'name', cell: ({ id }) => code(id) },
            { head: 'Made of', class: 'rest', cell: (one) => sourceOf(one) },
          ],
          rows: shown,
          keyOf: ({ id }) => id,
          hrefOf: ({ id }) => hashOf({ view: 'definitions', filter: route.filter, definition: id }),
          selected: chosen?.id,
          empty: route.filter === '' ? 'No definition is saved.' : 'No definition fits. Esc clears the filter.',
        }),
      ),
      chosen !== undefined &&
        h(
          'section',
          { key: 'chosen', class: 'second', 'aria-label': 'The chosen definition' },
          h('a', { class: 'back', href: hashOf({ view: 'definitions', filter: route.filter }) }, '← all definitions'),
          h('h2', {}, chosen.id),
          h('pre', { tabindex: 0 }, JSON.stringify(chosen, undefined, 2).slice(0, longest)),
        ),
    ),
  ]
}

/** An image, or a repository; bodies are opaque, and may be anything. */
function sourceOf(definition: Definition): Child {
  const { image, repository } = definition as { image?: { name?: unknown }; repository?: { url?: unknown } }
  const [source] = [image?.name, repository?.url].filter((one) => typeof one === 'string')
  return source === undefined ? '' : code(String(source))
}
