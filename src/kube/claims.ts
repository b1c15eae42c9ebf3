import type { GateConfig } from '../config/schema.ts'

/** Who has a host and path: `host path` -> `namespace/name`. */
export type Claims = Map<string, string>

/** Claims all hosts and paths of a Gate; where another one has any of them, claims nothing and says so. Pure but for `claims`. */
export function conflictOf({ spec }: GateConfig, key: string, claims: Claims): string | undefined {
  const wanted = new Map<string, string>()
  for (const host of spec.hosts ?? ['*']) {
    for (const path of spec.paths) {
      const claim = `${host.toLowerCase()} ${path.replace(/\/+$/, '') || '/'}`
      wanted.set(claim, host === '*' ? `any host with path ${path}` : `host ${host} with path ${path}`)
    }
  }
  const taken = [...wanted].flatMap(([claim, what]) => {
    const owner = claims.get(claim)
    return owner === undefined || owner === key ? [] : [`${what} belongs to the older Gate ${owner}`]
  })
  if (taken.length > 0) return taken.join('; ')
  for (const claim of wanted.keys()) claims.set(claim, key)
  return undefined
}
