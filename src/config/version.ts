/**
 * The version of this package, as its manifest says it: a test compares the two. Written down, since the manifest is not there where
 * a program was bundled into one file.
 */
export const packageVersion = '0.1.0'
