// Writes the table of errors of src/proxy/errors.ts into docs/reference/metrics.md: node scripts/errors.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ERRORS } from '../src/proxy/errors.ts'

export const file = join(resolve(import.meta.dirname, '..'), 'docs/reference/metrics.md')

/** The page with the table between its markers. */
export function withErrors(page: string): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, source, kind, flag }]) => `| \`${code}\` | ${status} | ${source} | ${kind ?? ''} | ${flag} |`,
  )
  const table = ['| reason | status | caused by | counts as | flag |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  )
  return page.replace(/<!-- errors -->[\s\S]*<!-- \/errors -->/, `<!-- errors -->\n${table}\n<!-- /errors -->`)
}

if (import.meta.main) writeFileSync(file, withErrors(readFileSync(file, 'utf8')))
