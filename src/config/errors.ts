/** One mistake in the configuration, at its place. */
export interface ConfigError {
  /** The file as it was named on the command line, or folder/file. */
  file: string
  /** From 1; 1:1 when the whole file is meant. */
  line: number
  column: number
  /** `spec.variants[0].weight`; '' = the whole document or file. */
  path: string
  /** What is wrong and what is allowed, without a full stop. */
  message: string
  /** What was probably meant. */
  hint?: string
}

/** `shop.yaml:12:7 spec.variants[1].weight: must be a number from 0 to 100, not 120 (did you mean ...?)` */
export function formatConfigError(error: ConfigError): string {
  const where = `${error.file}:${error.line}:${error.column}`
  const what = error.path === '' ? error.message : `${error.path}: ${error.message}`
  return `${where} ${what}${error.hint === undefined ? '' : ` (${error.hint})`}`
}

/** A place in a document: keys and indices from the root. */
export type Path = readonly (string | number)[]

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/

/** `['spec', 'variants', 0]` -> `spec.variants[0]`; keys with other characters as `labels["a.b"]`. */
export function formatPath(path: Path): string {
  let out = ''
  for (const key of path) {
    if (typeof key === 'number') out += `[${key}]`
    else if (PLAIN_KEY.test(key)) out += out === '' ? key : `.${key}`
    else out += `[${JSON.stringify(key)}]`
  }
  return out
}
