const OPEN_METRICS = 'application/openmetrics-text'

/**
 * True when an Accept header (RFC 9110, section 12.5.1) names OpenMetrics and prefers nothing to it. Wildcards mean the
 * plain format: only who asks for OpenMetrics gets it.
 */
export function prefersOpenMetrics(accept: string): boolean {
  let open = 0
  let plain = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const q = weight === undefined ? 1 : Number(weight.slice(2))
    if (!(q >= 0 && q <= 1)) continue
    if (type === OPEN_METRICS) open = Math.max(open, q)
    else if (type === 'text/plain') plain = Math.max(plain, q)
  }
  return open > 0 && open >= plain
}
