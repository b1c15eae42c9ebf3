import Type, { type Static } from 'typebox'
import { Check, Default, Errors } from 'typebox/value'
import { parse } from 'yaml'
import { MAX_REQUEST_SECONDS } from './limits.ts'
import { type Scenario, scenario } from './scenario.ts'

/** A scenario as people write it. All keys are optional; unknown ones are errors. */

const share = (description: string) => Type.Number({ minimum: 0, maximum: 100, description })
const seconds = (description: string, maximum = 1e7) => Type.Number({ minimum: 0, maximum, description })
const steps = (maximum: number, description: string) =>
  Type.Union(
    [
      Type.Number({ minimum: 0, maximum }),
      Type.Array(Type.Tuple([seconds('Since when.'), Type.Number({ minimum: 0, maximum })]), { minItems: 1 }),
    ],
    { description: `${description} A number, or steps [[since seconds, value], ...], the first at 0.` },
  )
const object = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

const BehaviourFile = object({
  failing: Type.Optional(steps(100, 'Percent of failed requests.')),
  later: Type.Optional(
    object({ afterRequests: Type.Integer({ minimum: 0 }), failing: share('Percent from that request on.') }),
  ),
  slow: Type.Optional(steps(100, "Percent of requests slower than serving's latency quantile.")),
  failureSeconds: Type.Optional(seconds('How long a failed request takes.', MAX_REQUEST_SECONDS)),
  successSeconds: Type.Optional(seconds('How long a good request takes.', MAX_REQUEST_SECONDS)),
})

const ScenarioFile = object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  description: Type.Optional(Type.String({ maxLength: 1000 })),
  requestsPerSecond: Type.Optional(steps(100_000, 'Requests of both variants.')),
  serving: Type.Optional(BehaviourFile),
  candidate: Type.Optional(BehaviourFile),
  servingP99Ms: Type.Optional(Type.Number({ minimum: 0, maximum: 1000 * MAX_REQUEST_SECONDS })),
  rescuable: Type.Optional(share('Percent of failed candidate requests that can be rescued.')),
  outages: Type.Optional(
    Type.Array(
      object({
        fromSeconds: seconds('Begin.'),
        toSeconds: seconds('End.'),
        failing: share('Percent of both variants.'),
        servingFailureSeconds: Type.Optional(seconds('Serving fails after.', MAX_REQUEST_SECONDS)),
        candidateFailureSeconds: Type.Optional(seconds('The candidate fails after.', MAX_REQUEST_SECONDS)),
      }),
      { maxItems: 100 },
    ),
  ),
  page: Type.Optional(Type.Array(share('Percent of failures of a call.'), { minItems: 1, maxItems: 100 })),
  sticky: Type.Optional(
    object({
      count: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
      skew: Type.Number({ minimum: 0.5, maximum: 100, default: 1.2 }),
      broken: object({ percent: share('Users.'), failing: share('Requests of these.') }),
    }),
  ),
  endpoints: Type.Optional(
    object({
      count: Type.Integer({ minimum: 1, maximum: 1000 }),
      bad: object({ failing: share('Percent.'), fromSeconds: seconds('Since when.') }),
    }),
  ),
})

/** Reads a scenario from YAML text. Throws a RangeError that says every mistake, one a line. */
export function parseScenario(text: string, name: string): Scenario {
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 0 }) ?? {}
  } catch (error) {
    throw new RangeError(`${name}: ${(error as Error).message}`)
  }
  value = Default(ScenarioFile, value)
  if (!Check(ScenarioFile, value)) {
    const lines = Errors(ScenarioFile, value).map(({ instancePath, message }) => {
      const path = instancePath.slice(1).replaceAll('/', '.')
      return `${name}: ${path === '' ? '' : `${path}: `}${message}`
    })
    throw new RangeError([...new Set(lines)].join('\n'))
  }
  const file = value as Static<typeof ScenarioFile>
  return scenario({ name, ...file } as Parameters<typeof scenario>[0])
}
