/**
 * From what is seen of a cluster to what is wrong with it: all looks, one after the other. It asks nobody.
 */
import { type Steps, atOnce } from '../basics/steps.js'
import { lookAtClones } from './clones.js'
import { speaking, type Examined, type Look } from './examined.js'
import { aboutAtMost, findingIds, severities, type Diagnosis, type Finding } from './findings.js'
import { lookAtLinks } from './links.js'
import { lookAtNodes } from './nodes.js'
import { lookAtServices } from './services.js'
import { lookAtStrangers } from './strangers.js'

const looks: readonly Look[] = [lookAtClones, lookAtNodes, lookAtLinks, lookAtStrangers, lookAtServices]

export function diagnose(examined: Examined): Diagnosis {
  return atOnce(diagnosed(examined))
}

/** The same, one look at a time: of a large cluster each is work. */
export function* diagnosed(examined: Examined): Steps<Diagnosis> {
  const { survey } = examined
  const notAsked = survey.nodes.filter(({ how }) => how === 'not-asked').length
  const findings: Finding[] = []
  for (const look of looks) {
    findings.push(...look(examined).filter((finding) => finding !== undefined))
    yield
  }
  return {
    ...{ at: survey.at, by: survey.by, answered: speaking(survey).length, nodes: survey.nodes.length },
    ...(notAsked > 0 && { notAsked }),
    findings: findings.sort(byWeight).map(bounded),
  }
}

function byWeight(a: Finding, b: Finding): number {
  const severity = severities.indexOf(a.severity) - severities.indexOf(b.severity)
  return severity !== 0 ? severity : findingIds.indexOf(a.id) - findingIds.indexOf(b.id)
}

/** A sentence holds words of others; these end it as they please. */
function bounded({ about, what, ...rest }: Finding): Finding {
  return { ...rest, what: what.replace(/([.!?])\.$/, '$1'), about: about.slice(0, aboutAtMost) }
}
