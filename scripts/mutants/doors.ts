// The bugs that somebody could write into what is told of the register: by the DNS, by what is remembered of writes, by the doctor.
import type { Patch } from './patch.js'

const dns: Readonly<Record<string, Patch>> = {
  'DNS answers an answer': ['readQuestion', '(flags & bits.response) !== 0', 'false'],
  'DNS takes two EDNS records': [
    'readEdns',
    'found !== undefined || i < answers + authorities',
    'i < answers + authorities',
  ],
  'DNS takes options that end beyond their record': ['holdsOptions', 'at === end', 'true'],
  'DNS tells capitals apart': ['readAsked', '.toLowerCase()', "labels.join('.')"],
  'DNS takes a dot in a label for one between two': [
    'readAsked',
    ".replaceAll('.', inLabel)",
    "bytes.toString('latin1', at, at + length)",
  ],
  'DNS sends a datagram of any size': ['sizeFor', 'Math.min(packetLimits.udpBytes, asked)', 'asked'],
  'DNS does not say that there is more': ['Writer.tell', 'this.#isTruncated = true', 'this.#isTruncated = false'],
  'DNS tells all in one order': ['#ordered', 'Math.floor($$$)', '0'],
  'DNS transfers the zone': ['Zone.answer', 'transfers.includes(type)', 'false'],
  'DNS answers before it is ready': ['Zone.answer', '!view.ready', 'false'],
  'DNS lets others keep what it doubts': ['Zone.answer', 'view.degraded ? 0 : this.#ttl_s', 'this.#ttl_s'],
  'DNS denies a name that has other records': ['Zone.answer', "type: 'nothing'", "type: 'no such name'"],
  'DNS takes silence for absence': ['Zone.answer', 'asking.isInDark && !asking.hasFound', 'false'],
  'DNS does not ask what a name stands for': ['addressesOf', 'this.#hosts.add(host)'],
  'DNS forgets what it knew when nobody answers': ['#ask', 'if (addresses === undefined) return'],
  'DNS asks again while it waits': ['#ask', 'known.asking !== undefined', 'false'],
  'DNS leads to the loopback of another machine': ['placeOf', '!isHome && isOfItsNode(one.url)', 'false'],
  'DNS gives the port of the url for one by name': [
    'placeOf',
    'port === undefined ? place.port : portNamed(one.ports ?? {}, port)',
    'place.port',
  ],
  'DNS names those without weight first': ['#srv', 'isSpared ? 1 : 0', '0'],
  'DNS looks through all records for each tag made up': ['#hasService', 'parts?.serial !== serial', 'true'],
  'a source of DNS has no bound': ['Limits.admit', 'bucket.tokens >= 1', 'true'],
  'a dead node has a name': ['ByName.nodes', "liveness.membership.member(owner)?.state !== 'alive'", 'false'],
  'a node keeps the name that it had': ['#rename', 'those?.delete(owner)'],
}

const journal: Readonly<Record<string, Patch>> = {
  'what a daemon finds pushes out writes': ['shelfOf', "via === 'daemon' ? 'found' : 'done'", "'done'"],
  'who is refused pushes out writes': ['shelfOf', "outcome === 'refused'", 'false'],
  'what is seen pushes out what is found': ['shelfOf', "return 'seen'", "return 'found'"],
  'an outage is not told once it is over': ['isToldThere', "act !== 'hidden' && act !== 'shown'", 'true'],
  'of one id all is remembered': ['Shelf.add', 'group.length > this.#limits.each', 'false'],
  'who is refused has room for each id': ['groupOf', "outcome === 'refused'", 'false'],
  'what changes nothing is remembered each time': ['Shelf.add', 'last !== undefined && isSame(last, entry)', 'false'],
  'what was done twice is told once': ['isSame', "b.outcome !== 'done'", 'true'],
  'of an id nobody says that something is lost': ['#lose', 'this.#lostOf.set(name, oldest.at)'],
  'nobody says that something is lost': ['#loseOldest', 'oldest.at > this.#from', 'false'],
  'what is remembered has no bound in bytes': ['Shelf.add', 'this.#bytes > this.#limits.bytes', 'false'],
  'bytes of what is gone still count': ['Shelf.#take', 'this.#bytes -= bytesOf(entry)'],
  'a text is remembered whole': ['cutText', 'line.length <= most', 'true'],
  'control characters are remembered': ['cutText', '.replace($$$)', 'text'],
  'what was seen is told beside what was done': ['isToldThere', 'told === undefined', 'true'],
  'what was seen is left out though nobody else remembers it': ['isToldThere', 'told.from > at', 'false'],
  'a peer tells as much as it likes': ['readRemembered', 'entries.length > entriesOfOne', 'false'],
  'a peer tells of a moment that is none': ['isMoment', 'moment.test(value)', 'true'],
  'what was done before is told as well': ['fits', 'entry.at >= since', 'true'],
}

const doctor: Readonly<Record<string, Patch>> = {
  'who was hidden a moment ago is in dispute': ['seenDifferently', 'since_ms >= agreement_ms', 'true'],
  'what was written a moment ago is a divergence': ['divergence', 'outOfStep_ms > spread_ms', 'outOfStep_ms > 0'],
  'links of who does not answer fail as well': [
    'failing',
    'mute.has(peer) || two.has(peer) || two.has(by)',
    'two.has(peer) || two.has(by)',
  ],
  'links of two daemons with one key fail as well': [
    'failing',
    'mute.has(peer) || two.has(peer) || two.has(by)',
    'mute.has(peer)',
  ],
  'who does not hear each other is deaf one way': ['isOneWay', 'back !== undefined', 'true'],
  'who is cut off tells of each that it is gone': ['gone', '!cutOff', 'true'],
  'whose machine refuses a dial is not gone': ['ownDoubt', "dial === 'refused'", 'false'],
  'all other clocks are wrong': ['clocks', 'apart.length > 1 && apart.length === answered', 'false'],
  'a slow answer comes from a wrong clock': ['clocks', 'Math.max(clockTolerance_ms, took_ms)', 'clockTolerance_ms'],
  'who knocks with a wrong key keeps a lonely node out': [
    'isKeptOut',
    'isAlone(examined) && isOwn',
    'isAlone(examined)',
  ],
  'who is cut off hears that its seeds are silent': [
    'seeds',
    'places.length === 0 || isInDoubt(examined)',
    'places.length === 0',
  ],
  'loopback is wrong on a single machine': ['addresses', 'local.length === told.length', 'false'],
  'a url of loopback is wrong at a single node': ['loopback', 'living(examined).length < 2', 'false'],
  'what is removed is still a service': ['lookAtServices', '.filter($$$)', 'examined.rows'],
  'what is ill can be picked': ['nothing', '({ pickable }) => pickable === true', '({ visible }) => visible'],
  'who has said goodbye keeps its label': ['labels', "state !== 'left'", 'true'],
  'findings stand in the order in which they were found': ['diagnosed', '.sort(byWeight)', 'findings'],
  'a finding is about as many as there are': ['bounded', '.slice(0, aboutAtMost)', 'about'],
  'a pause does not end a flood': ['roll', 'counted.span + 1 === span', 'true'],
  'a flood is told with each change': ['ChurnCounts.note', 'counted.isTold = true'],
}

export const doors: Readonly<Record<string, Patch>> = { ...dns, ...journal, ...doctor }
