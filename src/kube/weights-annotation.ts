import { toBps } from '../config/units.ts'

/** Annotation of a Gate that sets weights by hand: `stable=90,canary=10`. */
export const WEIGHTS_ANNOTATION = 'streamgate.dev/weights'

/** `stable=90,canary=10` -> percent by variant; a variant that is not named gets 0. Pure. */
export function parseWeights(
  text: string,
  variants: readonly string[],
): { weights: Record<string, number> } | { problem: string } {
  const weights: Record<string, number> = Object.fromEntries(variants.map((name) => [name, 0]))
  const seen = new Set<string>()
  const wrong = (what: string) => ({ problem: `annotation ${WEIGHTS_ANNOTATION}: ${what}` })
  for (const part of text.split(',')) {
    const match = /^\s*([^=\s]+)\s*=\s*(\d{1,3}(?:\.\d{1,2})?)\s*$/.exec(part)
    if (match === null) return wrong(`must be like stable=90,canary=10, not ${JSON.stringify(part.slice(0, 60))}`)
    const [, name = '', percent] = match
    if (!variants.includes(name)) return wrong(`${name} is no variant; there are ${variants.join(', ')}`)
    if (seen.has(name)) return wrong(`${name} is given twice`)
    seen.add(name)
    weights[name] = Number(percent)
  }
  const sum = Object.values(weights).reduce((total, percent) => total + toBps(percent), 0)
  return sum === 10_000 ? { weights } : wrong(`weights must sum to 100, not ${sum / 100}`)
}
