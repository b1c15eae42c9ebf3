import type { Path } from './errors.ts'
import type { CheckConfig, GateConfig, ReleaseConfig } from './schema.ts'
import { didYouMean } from './suggest.ts'
import { toBps } from './units.ts'

/** Tells of a mistake; `hint` as in ConfigError. */
export type Report = (path: Path, message: string, more?: { hint?: string }) => void

/** What a schema cannot say of a Gate. Pure. */
export function checkGate(gate: GateConfig, report: Report): void {
  const { variants, release, overrides, analysis, mirror } = gate.spec
  checkVariants(gate, report)
  if (release !== undefined) checkRelease(release, gate, report)
  if (release === undefined && mirror.percent > 0) {
    report(['spec', 'mirror', 'percent'], 'must be 0 without spec.release: it names the candidate that gets the copies')
  }
  checkSticky(gate, report)
  const { healthCheck, protocol } = gate.spec.upstream
  if (healthCheck !== undefined && protocol === 'HTTP2') {
    report(
      ['spec', 'upstream', 'healthCheck'],
      'cannot stand beside protocol: HTTP2: checks speak HTTP/1.1 and would take every endpoint out; outlierEjection works with both',
    )
  }
  const names = variants.map((variant) => variant.name)
  for (const [index, override] of overrides.entries()) {
    const path = ['spec', 'overrides', index]
    exactlyOne(override, ['header', 'cookie'], path, report)
    if (!names.includes(override.variant)) unknownVariant(override.variant, names, [...path, 'variant'], report)
  }
  unique(
    analysis.checks,
    (check) => check.name,
    (index) => ['spec', 'analysis', 'checks', index, 'name'],
    report,
  )
  for (const [index, check] of analysis.checks.entries()) {
    checkCheck(check, ['spec', 'analysis', 'checks', index], report)
  }
  for (const [index, hook] of gate.spec.hooks.entries()) checkUrl(hook.url, ['spec', 'hooks', index, 'url'], report)
}

function checkVariants(gate: GateConfig, report: Report): void {
  const { variants } = gate.spec
  unique(
    variants,
    (variant) => variant.name,
    (index) => ['spec', 'variants', index, 'name'],
    report,
  )
  for (const [index, variant] of variants.entries()) {
    const path = ['spec', 'variants', index]
    exactlyOne(variant, ['urls', 'service'], path, report)
    for (const [n, url] of (variant.urls ?? []).entries()) checkUrl(url, [...path, 'urls', n], report)
  }
  const weighted = variants.filter((variant) => variant.weight !== undefined)
  const sum = weighted.reduce((total, { weight }) => total + toBps(weight ?? 0), 0)
  // One variant with 100 says it all: the others have 0.
  if (weighted.length === 0 || sum === 10_000) return
  for (const [index, { weight }] of variants.entries()) {
    if (weight === undefined) {
      report(['spec', 'variants', index, 'weight'], `is required: the weights given sum to ${sum / 100}, not to 100`)
    }
  }
  if (weighted.length === variants.length) report(['spec', 'variants'], `weights must sum to 100, not ${sum / 100}`)
}

function checkRelease(release: ReleaseConfig, gate: GateConfig, report: Report): void {
  const path = ['spec', 'release']
  const { variants } = gate.spec
  const names = variants.map((variant) => variant.name)
  if (names.length < 2) report(['spec', 'variants'], 'must be two or more variants, since spec.release is given')
  for (const role of ['serving', 'candidate'] as const) {
    if (!names.includes(release[role])) unknownVariant(release[role], names, [...path, role], report)
  }
  if (release.serving === release.candidate) {
    report([...path, 'candidate'], `must be another variant than serving, which is ${release.serving} too`)
  }
  checkSteps(release, [...path, 'steps'], report)
}

function checkSteps({ strategy, steps = [] }: ReleaseConfig, path: Path, report: Report): void {
  for (const [index, step] of steps.entries()) {
    const at = [...path, index, 'weight']
    const before = steps[index - 1]?.weight ?? 0
    if (strategy === 'BlueGreen' && step.weight !== 100) {
      report(at, `must be 100 with strategy BlueGreen, not ${step.weight}: all traffic moves at once`)
    } else if (step.weight <= before) {
      report(at, `must be above ${before}, the weight of the step before, not ${step.weight}`)
    } else if (strategy === 'Canary' && index === steps.length - 1 && step.weight !== 100) {
      report(at, `must be 100 in the last step, not ${step.weight}: a release ends with all traffic on the candidate`)
    }
  }
}

function checkSticky({ spec: { sticky } }: GateConfig, report: Report): void {
  if (sticky === undefined) return
  if (sticky.by === 'Header' && sticky.name === undefined) {
    report(['spec', 'sticky', 'name'], 'is required with by: Header: the name of the header')
  }
  if (sticky.by === 'ClientIP' && sticky.name !== undefined) {
    report(['spec', 'sticky', 'name'], 'is only for by: Cookie and by: Header')
  }
  for (const key of ['ttl', 'secretFile'] as const) {
    if (sticky.by !== 'Cookie' && sticky[key] !== undefined) report(['spec', 'sticky', key], 'is only for by: Cookie')
  }
}

function checkCheck(check: CheckConfig, path: Path, report: Report): void {
  exactlyOne(check, ['webhook', 'prometheus'], path, report)
  if (check.webhook !== undefined) checkUrl(check.webhook.url, [...path, 'webhook', 'url'], report)
  if (check.prometheus === undefined) return
  const { min, max, url } = check.prometheus
  checkUrl(url, [...path, 'prometheus', 'url'], report)
  if (min === undefined && max === undefined) report([...path, 'prometheus'], 'needs min or max or both')
  if (min !== undefined && max !== undefined && min > max) {
    report([...path, 'prometheus', 'min'], `must be at most max, which is ${max}, not ${min}`)
  }
}

/** Every Gate has a name and a place of its own. */
export function checkGates(gates: readonly { gate: GateConfig; where: string; report: Report }[]): void {
  const names = new Map<string, string>()
  const claims = new Map<string, string>()
  for (const { gate, where, report } of gates) {
    const key = `${gate.metadata.namespace}/${gate.metadata.name}`
    const first = names.get(key)
    if (first !== undefined) {
      report(['metadata', 'name'], `the Gate ${key} is given twice; first at ${first}`)
      continue
    }
    names.set(key, where)
    for (const host of new Set(gate.spec.hosts ?? ['*'])) {
      for (const [index, path] of gate.spec.paths.entries()) {
        const claim = `${host.toLowerCase()} ${path.replace(/\/+$/, '') || '/'}`
        const owner = claims.get(claim)
        if (owner === undefined) claims.set(claim, key)
        else if (owner !== key) {
          const what = host === '*' ? `any host with path ${path}` : `host ${host} with path ${path}`
          report(['spec', 'paths', index], `${what} belongs to the Gate ${owner} already`)
        }
      }
    }
  }
}

/** Exactly one of the keys must be given. */
export function exactlyOne(value: object, keys: readonly string[], path: Path, report: Report): void {
  const given = keys.filter((key) => (value as Record<string, unknown>)[key] !== undefined)
  if (given.length === 0) report(path, `needs ${keys.join(' or ')}`)
  if (given.length > 1) report([...path, given[1]!], `cannot stand beside ${given[0]}: exactly one of them`)
}

/** Reports every value that an earlier element has too. */
export function unique<T>(
  values: readonly T[],
  keyOf: (value: T) => string | number,
  pathOf: (index: number) => Path,
  report: Report,
): void {
  const seen = new Set<string | number>()
  for (const [index, value] of values.entries()) {
    const key = keyOf(value)
    if (seen.has(key)) report(pathOf(index), `must be unique: ${key} is there already`)
    seen.add(key)
  }
}

function unknownVariant(name: string, names: readonly string[], path: Path, report: Report): void {
  report(path, `must be the name of a variant (${names.join(', ')}), not ${name}`, didYouMean(name, names))
}

function checkUrl(url: string, path: Path, report: Report): void {
  const { username, password } = URL.parse(url) ?? {}
  if (username === undefined) report(path, 'must be a URL with a valid host and port')
  else if (username !== '' || password !== '') report(path, 'must be a URL without user name and password')
}
