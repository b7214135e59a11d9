// The bugs that somebody could write into what bounds the bytes of peers and of callers: their turns, their rates, what they make us hold.
import type { Patch } from './patch.js'

const turns: Readonly<Record<string, Patch>> = {
  'who has had more than its own is heard like all others': ['Order.#laneOf', 'allowance.isLeft()', 'true'],
  'peers have all of a turn': ['#hasTime', 'this.#worked.time_ms() < this.#most_ms', 'true'],
  'time that other programs had is paid for': [
    'Work.time_ms',
    'processor_ms() - this.#before_ms',
    'Number.POSITIVE_INFINITY',
  ],
  'peers have nothing of turns that are long by themselves': ['#hasTime', 'Math.max(least_ms, $$$)', 'least_ms'],
  'one long turn makes those after it longer': [
    '#hasTime',
    'Math.min(...this.#lengths_ms)',
    'Math.max(...this.#lengths_ms)',
  ],
  'many daemons of a process have as much of a turn as one': ['#hasTime', 'Math.max(1, this.#daemons)', '1'],
  'what is cleared away later costs nothing': ['Turns.#done', 'Math.max(time_ms, least_ms)', 'time_ms'],
  'what takes long costs as much as what does not': ['Turns.#done', 'Math.max(time_ms, least_ms)', 'least_ms'],
  'a long piece of work keeps its sender waiting for as long': [
    'Allowance.pay',
    'Math.max($$$)',
    'this.#left_ms - time_ms',
  ],
  'who waits longer than a turn goes on sending': ['Turns.#next', 'this.#order.hold()'],
  'who owes never has a turn again': ['Turns.#next', 'setTimeout($$$)', 'undefined'],
  'who throws in its turn keeps it': ['#goOnWith', 'afterMicrotasks($$$)'],
  'one place has an allowance for each that comes from it': ['found', 'all.get(whose)', 'undefined'],
  'who has many streams has more for that': ['Allowances.of', 'this.#known.get(connection)', 'undefined'],
  'it is never known who is at the other end of a socket': ['knowing', 'allowances.know($$$)'],
  'it is never known whose streams are in a connection': ['encryption', 'allowances.know($$$)'],
  'heartbeats wait with all else that their sender sends': ['Allowances.ofBeats', 'this.#ofBeats', 'this.#byMember'],
  'who is not known keeps members waiting': ['Order.#laneOf', 'allowance.isOfStrangers', 'false'],
  'what is beyond that is paid by nobody': ['Lane.pay', 'this.#common.pay($$$)'],
  'who has used up its own keeps its place before others': ['#firstIn', 'its === lane', 'true'],
  'those who have some of their own keep all others waiting': ['#lanesInOrder', 'this.#looks % round === 0', 'false'],
  'what is owed is owed for long': ['Allowance.pay', 'Math.min($$$)', 'owed_ms'],
  'who is new has to earn all of its time': ['#takeFirst', 'return first_ms', 'return 0'],
  'however many are new each is given time': ['#takeFirst', '!this.#ofNewcomers.isLeft()', 'false'],
}

const watched: Readonly<Record<string, Patch>> = {
  'where nobody is reached all are connected anew at once': ['#repairOne', 'now < this.#notBefore', 'false'],
  'where many are not reached each is given up as soon as one': [
    '#repairOne',
    'Math.min(strikes.most, $$$)',
    'strikes.one',
  ],
  'one that no repair helps is connected anew again and again': ['#repairOne', '2 ** suspicion.repairs', '1'],
  'where there is no time each is given up as soon as else': [
    'Watchdog.#repairOne',
    'isBusy ? strikes.busy : $$$',
    'Math.min(strikes.most, strikes.one + hopeful.length - 1)',
  ],
  'who is reached again is given up all the same': ['#calm', 'suspicion.strikes = 0'],
  'those whom no repair helped make others wait': ['#repairOne', 'now >= suspicion.notBefore', 'true'],
  'a young connection is given up': ['Watchdog.#check', '.filter(isOfAge)', 'links'],
}

const sips: Readonly<Record<string, Patch>> = {
  'a sip is all that came': ['Sips.goOn', 'first.subarray(0, this.#sipBytes)', 'first'],
  'a byte costs nothing': ['Sips.goOn', 'sip.length * least_msPerByte', '0'],
  'a frame costs nothing': ['demuxInTurns', 'unpaid.frames * least_msPerFrame', '0'],
  'a stream that the other end opens costs nothing': ['demuxInTurns', 'unpaid.streams * least_msPerStream', '0'],
  'a sip that takes long is no smaller the next time': [
    'Sips.took',
    'Math.max(sipBytes.least, this.#sipBytes / 2)',
    'this.#sipBytes',
  ],
  'what is paused is read on': ['#mayBeTaken', '!this.#isPaused', 'true'],
  'what rests is read on': ['#mayBeTaken', 'this.#resting === undefined', 'true'],
  'what is held is never let go': ['#letCome', 'this.#source.release()'],
  'an end is told before what came before it': ['Ends.add', 'this.#isAllTaken()', 'true'],
  'what has gone is done in its turn all the same': ['Queue.remove', 'this.#waiting.splice(at, 1)'],
}

const rates: Readonly<Record<string, Patch>> = {
  'nothing is too much': ['Rates.take', 'bucket.tokens < cost', 'false'],
  'what is too much is taken off all the same': ['Rates.take', 'isFlood($$$)', 'false'],
  'what piled up while we stood still is held against who sent it': ['Rates.look', 'late_ms > stall_ms', 'false'],
  'a bucket is filled beyond its rim': [
    'refill',
    'Math.min(most, $$$)',
    'bucket.tokens + ((now - bucket.at) / 1000) * perSecond',
  ],
  'what somebody owes it owes for ever': ['Rates.charge', 'Math.max($$$)', 'bucket.tokens - cost'],
  'a stall of a day excuses a day': ['excuse', 'Math.min(late_ms, excused_ms)', 'late_ms'],
}

const held: Readonly<Record<string, Patch>> = {
  'each piece of half a frame is kept by itself': [
    'WholeFrames.#keep',
    'Math.min(2 * filled, this.#length ?? headerRoom_bytes)',
    'filled',
  ],
  'only frames that came whole are counted': ['#complete', 'this.#completed += 1'],
  'of frames that came together one is counted': ['#takeWhole', 'this.#completed += 1'],
  'a frame longer than any window is gathered': [
    '#boundFrames',
    '(frames.length ?? 0) > headerBytes + windowBytes',
    'false',
  ],
  'what all hold of half frames has no end': ['#boundFrames', 'held.frame.set(frames.held)'],
  'words that nobody reads are said on': ['#boundWords', 'held.unread > muxerLimits.unread', 'false'],
  'what was read counts as unread': ['#boundWords', 'connection.writeBufferLength === 0', 'false'],
  'pings are answered without end': ['#boundFrames', 'pings.take()', 'true'],
  'few bytes open as many streams at once as they say': ['WholeFrames.until', 'left < 0', 'false'],
  'a sip is cut anywhere': ['Sips.goOn', 'most.subarray(0, this.#source.atOnce?.(most))', 'most'],
  'what is not wanted takes with it what came before': [
    '#takeWhole',
    'if (!this.#isWanted(bytes, at)) { $$$ }',
    'if (!this.#isWanted(bytes, at)) begin = end',
  ],
  'what came before goes on with what is not wanted': ['#takeWhole', 'begin = end'],
  'streams that never say what they are for stay': ['#boundUnnamed', 'this.#unnamed > muxerLimits.unnamed', 'false'],
  'a stream without a name brings what it likes': ['boundUntilNamed', 'bytes <= muxerLimits.unnamedBytes', 'true'],
  'what nobody takes is kept': ['boundWhileUntaken', 'untaken > muxerLimits.untaken', 'false'],
  'what libp2p reads may be long': ['boundWhileUntaken', 'bytes > muxerLimits.briefBytes', 'false'],
  'stream after stream brings too much': ['#broke', 'held.broken === muxerLimits.broken', 'false'],
  'the newest of unnamed streams gives way': [
    '#endOldestUnnamed',
    'const [oldest] = most.unnamed',
    'const oldest = [...most.unnamed].at(-1)',
  ],
  'who holds least gives way': ['Budget.#giveWay', 'one[0].bytes > some[0].bytes', 'one[0].bytes < some[0].bytes'],
  'a share that has ended is held on to': ['Budget.open', 'this.#shares.delete(share)'],
}

const served: Readonly<Record<string, Patch>> = {
  'what nobody read costs as much as what was': ['#charged', 'unreadCost * bytes.length', '0'],
  'answers cost nothing': ['#charged', "rates.charge('answer', from, bytes.length)"],
  'a peer has as many requests at once as it likes': [
    'Serving.accept',
    'others.size >= servingLimits.peerAtOnce',
    'false',
  ],
  'all together have as many requests at once as they like': [
    'Serving.accept',
    'this.#open.size >= servingLimits.atOnce',
    'false',
  ],
  'questions have no rate': ['Serving.accept', "!rates.take('question', from)", 'false'],
  'long requests of all have no bound': ['Serving.#makeRoom', 'heldBy(this.#open) <= servingLimits.heldBytes', 'true'],
}

const bodies: Readonly<Record<string, Patch>> = {
  'a body comes in as many pieces as it likes': ['isInPieces', 'this.#pieces > $$$', 'false'],
  'a body of many bytes has no more pieces than one of few': ['isInPieces', ' + this.length / piece_bytes', ''],
  'a body may be as large as it likes': ['IncomingBodies.#take', 'body.length > bytes', 'false'],
  'all bodies together may be as large as they like': [
    'IncomingBodies.#take',
    'this.#bytes > this.#limits.allBytes',
    'false',
  ],
  'where there is no more room any body gives way': ['#makeWay', 'body.room > largest.room', 'false'],
  'what has gone holds its room': ['IncomingBodies.#letGo', 'this.#bytes -= body.room'],
  'what is too large is read without end': ['IncomingBodies.#take', 'body.length > 2 * discardedBytes', 'false'],
  'what nobody reads is read without end': ['discardUnread', 'body.length > limits.discardedBytes || $$$', 'false'],
}

export const intake: Readonly<Record<string, Patch>> = {
  ...bodies,
  ...turns,
  ...watched,
  ...sips,
  ...rates,
  ...held,
  ...served,
}
