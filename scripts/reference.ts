/**
 * Writes section 1 of docs/reference.md from the schema of the documents: `node scripts/reference.ts`.
 * The other sections are written by hand and stay as they are.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { NAME } from '../src/config/schema/terms.ts'
import { GateDocument, ProxyDocument } from '../src/config/schema.ts'
import { allowed, type Schema } from '../src/config/words.ts'

const FILE = new URL('../docs/reference.md', import.meta.url)
const HEADING = '## 1. Documents'

const INTRO = `${HEADING}

<!-- Generated from src/config/schema/ by scripts/reference.ts: change it there. -->

YAML or JSON, one or many documents per file or folder, \`apiVersion: streamgate.dev/v1alpha1\`. A folder's \`*.yaml\`, \`*.yml\` and \`*.json\`
are read in the order of their names, folders in it and hidden files are not. A file is at most 1 MiB of UTF-8.

- A key that is left out, or has no value, means its default. An unknown key is an error, and so is one given twice.
- Durations are \`250ms\`, \`30s\`, \`1.5m\` or \`2h\`, at most 24 days; sizes are bytes or \`16Ki\`, \`8Mi\`, \`1Gi\`; percentages are numbers from 0 to 100
  with up to two decimals.
- A name is 1 to 63 lower-case letters, digits and hyphens, without a hyphen at either end.
- Names of files are relative to the folder of the file that names them. Certificates, tokens and secrets are followed like the
  documents: a renewed certificate is taken over without a restart.
- \`streamgate check FILE...\` tells every mistake with file, line, column, path and what is allowed; \`--print-config\` prints all defaults.
- YAML anchors and aliases may be used; merge keys (\`<<\`) and custom tags may not.

In the tables, \`[]\` stands for each element of a list. Keys in **bold** are required. The column "0" says what 0 means; "refused" where it is
an error.
`

interface Row {
  path: string
  schema: Schema
  required: boolean
}

/** Section 1, from its heading to the end, with one line feed at its end. */
export function documentsSection(): string {
  return `${[INTRO, ...kind('Proxy', ProxyDocument), ...kind('Gate', GateDocument)].join('\n')}\n`
}

/** The text of the file with its section 1 replaced by the one generated. */
export function withDocumentsSection(text: string): string {
  const start = text.indexOf(HEADING)
  if (start < 0) return `${text.trimEnd()}\n\n${documentsSection()}`
  const next = text.indexOf('\n## ', start + HEADING.length)
  return text.slice(0, start) + documentsSection() + (next < 0 ? '' : text.slice(next))
}

function kind(name: string, document: object): string[] {
  const { metadata, spec } = (document as Schema).properties ?? {}
  const lines = [`### ${name}`, '', ...(spec?.description === undefined ? [] : [spec.description, ''])]
  const simple: Row[] = rowsOf(metadata!, 'metadata')
  const sections: [string, Schema, Row[]][] = []
  for (const [key, schema] of Object.entries(spec?.properties ?? {})) {
    const row = { path: `spec.${key}`, schema, required: isRequired(spec!, key) }
    const inner = rowsOf(schema, row.path)
    if (inner.length === 0) simple.push(row)
    else sections.push([row.path, schema, [row, ...inner]])
  }
  lines.push(...table(simple))
  for (const [path, , rows] of sections) lines.push(`#### \`${path}\``, '', ...table(rows))
  return lines
}

/** The keys below a value, at any depth. */
function rowsOf(schema: Schema, path: string): Row[] {
  if (schema.items !== undefined) return rowsOf(schema.items, `${path}[]`)
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => [
    { path: `${path}.${key}`, schema: child, required: isRequired(schema, key) },
    ...rowsOf(child, `${path}.${key}`),
  ])
}

/** TypeBox requires what has a default too; people need not give it. */
const isRequired = (parent: Schema, key: string): boolean =>
  (parent.required ?? []).includes(key) && parent.properties?.[key]?.default === undefined

const table = (rows: Row[]): string[] => [
  '| Key | Type | Default | Meaning | 0 |',
  '|---|---|---|---|---|',
  ...rows.map(({ path, schema, required }) => {
    const { meaning, zero } = meaningOf(schema)
    const key = required ? `**\`${path}\`**` : `\`${path}\``
    return `| ${[key, typeOf(schema), defaultOf(schema, required), meaning, zero].map(cell).join(' | ')} |`
  }),
  '',
]

function typeOf(schema: Schema): string {
  if (schema.unit === 'duration' || schema.unit === 'size') return schema.unit
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.pattern === NAME) return 'name'
  if (schema.type === 'string' && schema.pattern === undefined) return 'text'
  if (schema.type === 'array')
    return `list of ${count(schema)}${typeOf(schema.items ?? {}) === 'map' ? 'maps' : typeOf(schema.items ?? {})}`
  if (schema.properties !== undefined) return 'map'
  return allowed(schema).replace(/^an? /, '')
}

const count = ({ minItems = 0, maxItems }: Schema): string =>
  maxItems === undefined ? '' : `${minItems} to ${maxItems}: `

function defaultOf(schema: Schema, required: boolean): string {
  if (required) return ''
  if (schema.default === undefined) return 'none'
  // A section's default is that of its keys.
  if (schema.properties !== undefined) return ''
  return `\`${typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)}\``
}

const ZERO = /; 0s? = ([^;.]+)/

/** The description, and apart from it what 0 means. */
function meaningOf(schema: Schema): { meaning: string; zero: string } {
  const text = schema.description ?? ''
  const meaning = text.replace(ZERO, '')
  const zero = ZERO.exec(text)?.[1]
  if (zero !== undefined) return { meaning, zero }
  if (schema.unit === 'duration') return { meaning, zero: 'refused' }
  const numeric = schema.type === 'integer' || schema.type === 'number'
  return { meaning, zero: numeric && ((schema.minimum ?? 0) > 0 || schema.exclusiveMinimum === 0) ? 'refused' : '' }
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  writeFileSync(FILE, withDocumentsSection(readFileSync(FILE, 'utf8')))
}
