/**
 * The header in which a daemon says what whoever registers something should know, while it was taken: one sentence, letters beyond ASCII as
 * `\uXXXX`.
 */
export const warningHeader = 'x-rollcall-warning'
