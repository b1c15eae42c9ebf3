export interface CheckOptions {
  printConfig?: boolean
  output?: 'json'
}

/** `streamgate check FILE...`: prints every mistake, or what was found. Exit code 0 or 2. */
export async function checkCommand(_files: readonly string[], _options: CheckOptions = {}): Promise<number> {
  throw new Error('not written yet')
}
