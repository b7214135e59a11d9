/**
 * Asks for a token, once a daemon has said that it wants one.
 */
import { keepToken } from './asking.js'
import { draw, h } from './draw.js'

export class TokenForm {
  readonly #dialog = document.querySelector('dialog') as HTMLDialogElement
  readonly #given: () => void
  #why = ''

  /** @param given told when there is another one */
  constructor(given: () => void) {
    this.#given = given
  }

  /** Once for each reason: who closes it is not asked again until he says so. */
  askOnce(why: string): void {
    if (why !== this.#why) this.ask(why)
  }

  ask(why: string): void {
    this.#why = why
    draw(
      this.#dialog,
      h(
        'form',
        { onsubmit: (event) => this.#take(event) },
        h('h2', { id: 'asking-title' }, 'A token, please'),
        h('p', {}, why),
        h('label', { for: 'token' }, 'Token that may read'),
        h('input', { id: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true }),
        h('p', { class: 'dim' }, 'It is kept in this tab alone, until that is closed.'),
        h(
          'p',
          { class: 'buttons' },
          h('button', {}, 'Use it'),
          ' ',
          h('button', { type: 'button', onclick: () => this.#dialog.close() }, 'Not now'),
        ),
      ),
    )
    if (!this.#dialog.open) this.#dialog.showModal()
  }

  settled(): void {
    this.#why = ''
    if (this.#dialog.open) this.#dialog.close()
  }

  #take(event: Event): void {
    event.preventDefault()
    const field = this.#dialog.querySelector('input') as HTMLInputElement
    keepToken(field.value.trim())
    field.value = ''
    this.#why = ''
    this.#dialog.close()
    this.#given()
  }
}
