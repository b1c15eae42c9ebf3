// Writes the table of transitions, made by asking decide(), into ARCHITECTURE.md: node scripts/architecture.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { table } from './transitions.ts'

export const file = join(resolve(import.meta.dirname, '..'), 'ARCHITECTURE.md')

/** The page with the table between its markers. */
export const withTransitions = (page: string): string =>
  page.replace(
    /<!-- transitions -->[\s\S]*<!-- \/transitions -->/,
    `<!-- transitions -->\n${table().trim()}\n<!-- /transitions -->`,
  )

if (import.meta.main) writeFileSync(file, withTransitions(readFileSync(file, 'utf8')))
