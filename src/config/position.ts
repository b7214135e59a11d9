/**
 * The header in which an answer says how far it goes: the id of the last news that is in it, after which `/v1/events` goes on.
 */
export const positionHeader = 'x-rollcall-position'
