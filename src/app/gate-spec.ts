import { readFileSync } from 'node:fs'
import { readSecret } from '../config/files.ts'
import type { ResolvedGate } from '../config/resolve.ts'
import type { GateConfig } from '../config/schema.ts'
import type { BlockRef, FailureKind } from '../metrics/index.ts'
import type { EndpointSpec, GateSpec, OverrideSpec, StickySpec, UpstreamSpec } from '../proxy/index.ts'

/** Translates a gate of the configuration to what a worker needs. `endpoints`: of each variant, in order. Reads secret and CA files. */
export function gateSpec(
  config: GateConfig,
  resolved: ResolvedGate,
  block: BlockRef,
  endpoints: readonly (readonly EndpointSpec[])[],
): GateSpec {
  const { spec } = config
  const { upstream } = spec
  const sticky = stickySpec(config, resolved)
  return {
    key: resolved.key,
    block,
    variants: spec.variants.map((variant, index) => ({
      name: variant.name,
      whenEmpty: variant.whenEmpty,
      endpoints: endpoints[index] ?? [],
    })),
    failureOn: spec.analysis.failureOn as FailureKind[],
    overrides: overrideSpecs(config),
    ...(sticky === undefined ? {} : { sticky }),
    rescue: {
      enabled: spec.rescue.enabled,
      methods: spec.rescue.methods,
      maxBodyBytes: spec.rescue.maxBodyBytes,
      budgetPercent: spec.rescue.budget,
    },
    mirror: spec.mirror,
    upstream: {
      connectTimeoutMs: upstream.timeouts.connect,
      responseTimeoutMs: upstream.timeouts.response,
      idleTimeoutMs: upstream.timeouts.idle,
      retryAttempts: upstream.retries.attempts,
      retryOn: upstream.retries.on,
      retryBudgetPercent: upstream.retries.budget,
      loadBalancing: upstream.loadBalancing,
      consecutive5xx: upstream.outlierEjection.consecutive5xx,
      baseEjectionMs: upstream.outlierEjection.baseEjection,
      maxEjectedPercent: upstream.outlierEjection.maxEjected,
      maxRequests: upstream.maxRequests,
      protocol: upstream.protocol,
      tls: tlsSpec(upstream.tls),
    },
  }
}

/** How an https upstream is verified; reads its CA. */
export function tlsSpec({ caFile, serverName }: GateConfig['spec']['upstream']['tls']): UpstreamSpec['tls'] {
  return {
    ...(caFile === undefined ? {} : { caPem: readFileSync(caFile, 'utf8') }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}

function overrideSpecs(config: GateConfig): OverrideSpec[] {
  return config.spec.overrides.map((override) => {
    const variant = config.spec.variants.findIndex(({ name }) => name === override.variant)
    return override.header !== undefined
      ? { kind: 'header', name: override.header.name.toLowerCase(), value: override.header.value, variant }
      : { kind: 'cookie', name: override.cookie!.name, value: override.cookie!.value, variant }
  })
}

function stickySpec(config: GateConfig, resolved: ResolvedGate): StickySpec | undefined {
  const { sticky } = config.spec
  if (sticky === undefined) return undefined
  return {
    by: sticky.by,
    name: resolved.stickyName ?? '',
    ttlS: Math.round((sticky.ttl ?? 0) / 1000),
    ...(sticky.secretFile === undefined ? {} : { secret: readSecret(sticky.secretFile) }),
  }
}
