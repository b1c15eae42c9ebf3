import type {
  ActionBody,
  ActionResult,
  AdminEvent,
  Decision,
  GateService,
  GateView,
  ReleaseRecord,
  ReleaseView,
  VariantView,
  Verb,
} from '../../src/admin/index.ts'

/** A program made of plain data: what the API is told is remembered, what it answers is what the test put there. */
export class FakeService implements GateService {
  gates: GateView[]
  records: ReleaseRecord[] = []
  writes: object[] = []
  /** The answer of the next writes; undefined: done. */
  next: ActionResult | Error | undefined
  listeners = new Set<(event: AdminEvent) => void>()
  /** How often a view was built. */
  views = 0

  constructor(gates: GateView[] = [gateView()]) {
    this.gates = gates
  }

  list(): GateView[] {
    return this.gates
  }

  get(namespace: string, name: string): GateView | undefined {
    this.views++
    return this.gates.find((gate) => gate.namespace === namespace && gate.name === name)
  }

  async setWeights(
    namespace: string,
    name: string,
    weights: Record<string, number>,
    options: { force: boolean; who: string },
  ): Promise<ActionResult> {
    this.writes.push({ verb: 'weights', namespace, name, weights, ...options })
    return this.#answer(namespace, name, 'weights are set')
  }

  async act(namespace: string, name: string, verb: Verb, body: ActionBody, who: string): Promise<ActionResult> {
    this.writes.push({ verb, namespace, name, body, who })
    return this.#answer(namespace, name, `${verb} done`)
  }

  #answer(namespace: string, name: string, message: string): ActionResult {
    if (this.next instanceof Error) throw this.next
    return this.next ?? { ok: true, message, gate: this.get(namespace, name)! }
  }

  releases(namespace: string, name: string) {
    if (!this.get(namespace, name)) return undefined
    return this.records.map(({ decisions: _, ...summary }) => summary)
  }

  release(namespace: string, name: string, id: string): ReleaseRecord | undefined {
    return this.get(namespace, name) && this.records.find((record) => record.id === id)
  }

  subscribe(listener: (event: AdminEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  version() {
    return { version: '0.1.0', node: 'v26.0.0' }
  }

  /** Replaces the gate's release and says so. */
  put(release: ReleaseView | null, gate: GateView = this.gates[0]!): void {
    this.gates = this.gates.map((each) => (each === gate ? { ...each, release } : each))
    this.emit({ type: 'gate', namespace: gate.namespace, name: gate.name })
  }

  emit(event: AdminEvent): void {
    for (const listener of this.listeners) listener(event)
  }
}

export function variantView(name: string, change: Partial<VariantView> = {}): VariantView {
  return {
    name,
    weight: 100,
    share: 100,
    requestsPerSecond: 812.4,
    errorRate: 0.02,
    latencyMs: { p50: 3.1, p95: 9.8, p99: 21 },
    inFlight: 7,
    requests: 48_211,
    failures: 9,
    endpoints: { ready: 3, total: 3 },
    ...change,
  }
}

export function releaseView(change: Partial<ReleaseView> = {}): ReleaseView {
  return {
    id: '7f3a',
    revision: 'shop:v2',
    phase: 'Progressing',
    step: 1,
    steps: 5,
    stepWeights: [5, 10, 25, 50, 100],
    startedAt: '2026-11-25T12:00:00.000Z',
    finishedAt: null,
    verdict: 'Undecided',
    reason: 'NeedRequests',
    message: 'about 240 more canary requests',
    requestsNeeded: 240,
    harmedRequests: 1,
    rescuedRequests: 4,
    evidence: { total: 1.38, threshold: 4.61, fine: 0.7 },
    ...change,
  }
}

export function gateView(change: Partial<GateView> = {}): GateView {
  return {
    namespace: 'default',
    name: 'shop',
    strategy: 'Canary',
    serving: 'stable',
    candidate: 'canary',
    variants: [
      variantView('stable', { weight: 95, share: 94.8 }),
      variantView('canary', {
        weight: 5,
        share: 5.2,
        requestsPerSecond: 43.1,
        errorRate: 0,
        latencyMs: { p50: 3.4, p95: 10.1, p99: 23.5 },
        inFlight: 1,
        requests: 2_561,
        failures: 0,
        endpoints: { ready: 1, total: 1 },
      }),
    ],
    release: releaseView(),
    ...change,
  }
}

export function decision(change: Partial<Decision> = {}): Decision {
  return {
    time: '2026-11-25T12:00:00.000Z',
    phase: 'Progressing',
    step: 1,
    weights: { stable: 95, canary: 5 },
    verdict: 'Undecided',
    reason: 'StepStarted',
    message: 'step 1 of 5: canary gets 5 %',
    evidence: null,
    ...change,
  }
}

export function record(change: Partial<ReleaseRecord> = {}): ReleaseRecord {
  return {
    id: '7f3a',
    revision: 'shop:v2',
    strategy: 'Canary',
    phase: 'Progressing',
    startedAt: '2026-11-25T12:00:00.000Z',
    finishedAt: null,
    reason: 'NeedRequests',
    message: 'about 240 more canary requests',
    harmedRequests: 1,
    rescuedRequests: 4,
    decisions: [decision()],
    ...change,
  }
}
