/**
 * A name within a command that people copy from what they are told: as a shell takes it for one word.
 */

export function shellWord(text: string): string {
  const harmless = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
  return /^[\w./:@%+=,-]+$/.test(harmless) ? harmless : `'${harmless.replaceAll("'", `'\\''`)}'`
}
