/** Upper confidence bound of a share (Clopper and Pearson 1934): the p at which `bad` or fewer of `total` has chance 1 - level. */
export function upperBound(bad: number, total: number, level = 0.99): number {
  if (total <= 0 || bad >= total) return 1
  let low = bad / total
  let high = 1
  for (let k = 0; k < 60 && high - low > 1e-9; k++) {
    const middle = (low + high) / 2
    // P(X <= bad) falls as p grows; it is 1 - I_p(bad + 1, total - bad).
    if (1 - incompleteBeta(middle, bad + 1, total - bad) > 1 - level) low = middle
    else high = middle
  }
  return high
}

/** Regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (Numerical Recipes, 6.4). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a
  const tiny = 1e-300
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let h = d
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    h *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-12) break
  }
  return Math.min(1, front * h)
}

/** ln Gamma(x) for x > 0, Stirling's series after shifting x above 8. */
function logGamma(x: number): number {
  let shift = 0
  let y = x
  while (y < 8) shift += Math.log(y++)
  const z = 1 / (y * y)
  const series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z / 1680))) / y
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift
}
