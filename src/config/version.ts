/**
 * The version of this package, as its manifest says it: a test compares the two. Written down, since the manifest is not there where
 * a program was bundled into one file.
 */
export const packageVersion = '0.1.0'

/**
 * The version of what daemons say to each other. It is for people, who see in it which nodes are behind: no daemon refuses another for it.
 * 2: questions that are for people, versions in node records. Records without one are of version 1.
 */
export const protocolVersion = 2

/** Part of the names of all that nodes say to each other: those of another do not hear each other at all. */
export const protocolFamily = '1'
