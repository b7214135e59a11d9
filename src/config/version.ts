/**
 * The version of this package, as its manifest says it: a test compares the two. Written down, since the manifest is not there where
 * a program was bundled into one file.
 */
export const packageVersion = '0.1.0'
/** Of the words between nodes: those of other protocols do not hear each other. */
export const protocolVersion = '1'
