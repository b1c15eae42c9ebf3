import type { Output } from './context.ts'

/** What `-o` takes. */
export type Format = 'json' | 'yaml' | 'wide'

/** Prints lines for people, or the data as it is for programs. */
export async function print(
  output: Output,
  format: Format | undefined,
  data: unknown,
  lines: (wide: boolean) => readonly string[],
): Promise<void> {
  if (format === 'json') output.write(`${JSON.stringify(data, null, 2)}\n`)
  else if (format === 'yaml') output.write((await import('yaml')).stringify(data))
  else output.write(`${lines(format === 'wide').join('\n')}\n`)
}
