import type { ActionBody, Decision, GateView, ReleaseRecord, ReleaseSummary, Verb, VersionView } from './views.ts'

/** Outcome of a write: what happened and the gate as it is then; or why nothing happened. */
export type ActionResult =
  | { ok: true; message: string; gate: GateView }
  | {
      ok: false
      /** HTTP status: 400 wrong request, 404 no such release, 409 not in this phase, 503 cannot be recorded. */
      status: number
      /** Kebab-case word that scripts rely on. */
      code: string
      /** A sentence for a person: what is wrong and what can be done. */
      detail: string
    }

/** A decision of a release, with the gate and release that it belongs to. */
export interface DecisionEvent extends Decision {
  namespace: string
  name: string
  /** Id of the release. */
  release: string
}

/**
 * Something happened. `gate` says only which gate changed: its view is built when it is sent, so that a change that
 * nobody watches costs nothing and many changes cost one view.
 */
export type AdminEvent =
  | { type: 'gate'; namespace: string; name: string }
  | { type: 'decision'; decision: DecisionEvent }

/** What the admin API needs of the program. Names of gates are exact; the API has looked them up before a write. */
export interface GateService {
  /** All gates, in a stable order. */
  list(): GateView[]
  get(namespace: string, name: string): GateView | undefined
  /**
   * Sets weights by hand: percent of every variant of the gate, 100 in all (checked by the API).
   * 409 `release-running` while a release runs unless `force`, which pauses it. Resolves when the weights are in effect and recorded.
   */
  setWeights(
    namespace: string,
    name: string,
    weights: Record<string, number>,
    options: { force: boolean; who: string },
  ): Promise<ActionResult>
  /** Acts on the release. Resolves when the command is decided and recorded; the result's gate shows what came of it. */
  act(namespace: string, name: string, verb: Verb, body: ActionBody, who: string): Promise<ActionResult>
  /** Newest first; undefined: no such gate. */
  releases(namespace: string, name: string): ReleaseSummary[] | undefined
  /** By id; undefined: no such gate or release. */
  release(namespace: string, name: string, id: string): ReleaseRecord | undefined
  /** Reports events until the returned function is called. Listeners never throw and never block. */
  subscribe(listener: (event: AdminEvent) => void): () => void
  version(): VersionView
}
