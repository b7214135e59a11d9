/**
 * What is shown of the ways between daemons: what there should be, who was where under which name.
 */

/** What there should be with one peer, and what there was. */
export interface LineView {
  /** This node means to be connected with it. */
  readonly wanted?: true
  /** How long ago the last connection with it ended, where there was one in this run and there is none now. */
  readonly lost_ms?: number
  /** Whether its heartbeats come, or came until the connection ended; absent where it has none to send here. */
  readonly heard?: boolean
}

/** What a node called itself, with the first address that it told then. */
export interface Label {
  readonly id: string
  readonly address?: string
}
