/**
 * Text of others as it may be shown to people: nothing in it that a terminal obeys, nor that makes a line read otherwise than it stands.
 */

/**
 * Control characters beyond ASCII (ISO 6429), which terminals that read UTF-8 obey too; what ends a line; what turns the direction of all
 * that follows (https://trojansource.codes).
 */
const beyondAscii = '\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069'
const obeyed = new RegExp(`[\\u0000-\\u001f${beyondAscii}]+`, 'g')
const unescaped = new RegExp(`[${beyondAscii}]`, 'g')

/** With a space in the place of them. */
export function harmless(text: string): string {
  return text.replace(obeyed, ' ')
}

/** The same value, with escapes for what JSON takes as it stands: it asks for those of ASCII alone. */
export function harmlessJson(json: string): string {
  return json.replace(unescaped, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
