/** What an instant query answers, as one number. Pure. */
export type Measured = { value: number } | { inconclusive: string }

/** Reads the body of /api/v1/query: a scalar, or a vector of one sample. Nothing, NaN and infinity say nothing. */
export function measured(body: string): Measured {
  let answer: unknown
  try {
    answer = JSON.parse(body)
  } catch {
    return { inconclusive: 'the answer is no JSON' }
  }
  const { status, error, data } = answer as {
    status?: string
    error?: string
    data?: { resultType?: string; result?: unknown }
  }
  if (status !== 'success') return { inconclusive: `Prometheus says ${error ?? status ?? 'nothing'}` }
  const result = data?.result
  if (data?.resultType === 'scalar') return numberOf(result)
  if (data?.resultType !== 'vector' || !Array.isArray(result)) {
    return { inconclusive: `the query gives a ${data?.resultType ?? 'nothing'}, not one number` }
  }
  if (result.length === 0) return { inconclusive: 'the query gives no value' }
  if (result.length > 1) return { inconclusive: `the query gives ${result.length} values, not one: aggregate it` }
  return numberOf((result[0] as { value?: unknown }).value)
}

function numberOf(sample: unknown): Measured {
  const value = Array.isArray(sample) ? Number(sample[1]) : Number.NaN
  return Number.isFinite(value)
    ? { value }
    : { inconclusive: `the value is ${Array.isArray(sample) ? sample[1] : 'missing'}` }
}

/** Within the limits, or what is wrong. */
export function compared(
  value: number,
  limits: { min?: number | undefined; max?: number | undefined },
): string | undefined {
  if (limits.min !== undefined && value < limits.min) return `${value} is below ${limits.min}`
  if (limits.max !== undefined && value > limits.max) return `${value} is above ${limits.max}`
  return undefined
}
