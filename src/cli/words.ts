/**
 * What a daemon says to programs, in the words of somebody at a command line: commands in place of calls, no statuses.
 */
import { noSuchCall } from '../config/statuses.js'

/** Whoever asks over HTTP is told of calls, headers and fields. Sentences that are not here are the same for both. */
const translations: readonly (readonly [said: RegExp, inWords: string])[] = [
  [
    /^id: no instance (.*); see GET \/registry-svc\/instances.*$/s,
    'there is no instance $1; see rollcall instances --all',
  ],
  [
    /^id: no definition (.*); see GET \/registry-svc\/definitions.*$/s,
    'there is no definition $1; see rollcall definitions',
  ],
  [/^url: no node has (.*); see POST \/registry-svc\/nodes$/s, 'no node has the url $1; see rollcall members'],
  [/\(DELETE \/registry-svc\/node\/PEER\)/, '(rollcall force-leave PEER)'],
  [
    new RegExp(String.raw`^[A-Z]+ \S+: (?:${noSuchCall}; see GET /openapi\.json|this path takes .*)$`),
    'this daemon does not know what it is asked for: the url of --server (ROLLCALL_SERVER) has a path that is not its own, or it is of another version than this command; update the older one',
  ],
  [
    /^(\S+) answered \d+ to [A-Z]+ \S+$/,
    '$1 refused and did not say why: is another program, or a proxy, in its place?',
  ],
  [/ is no Rollcall daemon: it answered \d+ without JSON/, ' is no Rollcall daemon: its answer is not one of ours'],
  [
    /^authorization: this daemon asks for a token; .*$/s,
    'this daemon asks for a token; give it with --token (ROLLCALL_TOKEN)',
  ],
  [
    /^authorization: the token is not one of those .*$/s,
    'this daemon does not know the token (--token, ROLLCALL_TOKEN)',
  ],
  [/^authorization: /, 'the token (--token, ROLLCALL_TOKEN): '],
]

export function inWordsOfCommands(message: string): string {
  return translations.reduce((text, [said, inWords]) => text.replace(said, inWords), message)
}
