import { dirname, resolve } from 'node:path'
import { type ConfigError, formatPath, type Path } from './errors.ts'
import { checkNamedFiles } from './named-files.ts'
import { parseDocuments, type RawDocument } from './parse.ts'
import { checkProxy } from './proxy-rules.ts'
import { checkGate, checkGates, type Report } from './rules.ts'
import { API_VERSION } from './schema/terms.ts'
import type { GateConfig, ProxyConfig } from './schema.ts'
import { listFiles, readText, whole } from './sources.ts'
import { type Decoded, validateDocument } from './validate.ts'

/** A valid configuration: every default filled in, files named by it absolute. */
export interface Config {
  proxy: ProxyConfig
  gates: GateConfig[]
  /** The documents' files and the files that they name (certificates, tokens, secrets), absolute: what a watcher follows. */
  files: string[]
}

/** Either a whole configuration or every mistake in it; `files` as in Config, as far as they are known. */
export type LoadResult = { ok: true; config: Config } | { ok: false; errors: ConfigError[]; files: string[] }

/** A document that can be used, and the means to tell of mistakes in it. */
interface Loaded {
  decoded: Decoded
  report: Report
  /** False: something of it was left out as wrong. */
  complete: boolean
  /** `file:line` of its beginning. */
  where: string
}

const DEFAULT_PROXY = { apiVersion: API_VERSION, kind: 'Proxy', metadata: { name: 'streamgate' } }

/**
 * Reads files and folders (their *.yaml, *.yml and *.json, sorted, not recursively). Synchronous: the main thread carries
 * no traffic. Never throws for what is in or wrong with the files.
 */
export function loadConfig(paths: readonly string[]): LoadResult {
  const listing = listFiles(paths)
  const errors: ConfigError[] = [...listing.errors]
  const files = new Set(listing.files.map((file) => resolve(file)))
  const loaded: Loaded[] = []
  for (const file of listing.files) {
    const { documents, found } = readDocuments(file)
    errors.push(...found)
    for (const document of documents) {
      const one = loadDocument(document, file, errors)
      if (one === undefined) continue
      loaded.push(one)
      for (const name of checkNamedFiles(one.decoded, dirname(file), one.report)) files.add(name)
    }
  }
  const gates = loaded.flatMap(({ decoded, ...rest }) =>
    decoded.kind === 'Gate' ? [{ gate: decoded.document, ...rest }] : [],
  )
  const proxies = loaded.filter(({ decoded }) => decoded.kind === 'Proxy')
  checkGates(gates.filter(({ complete }) => complete))
  for (const { report } of proxies.slice(1)) {
    report(['kind'], `there must be at most one Proxy; the first is at ${proxies[0]!.where}`)
  }
  if (errors.length > 0) return { ok: false, errors: sorted(errors, paths, listing.files), files: [...files] }
  const proxy = proxies[0]?.decoded ?? defaultProxy(paths[0] ?? '.', listing.files[0])
  return {
    ok: true,
    config: { proxy: proxy.document as ProxyConfig, gates: gates.map(({ gate }) => gate), files: [...files] },
  }
}

function readDocuments(file: string): { documents: RawDocument[]; found: ConfigError[] } {
  const source = readText(file)
  if ('error' in source) return { documents: [], found: [source.error] }
  const { documents, errors } = parseDocuments(source.text, file)
  // A file caught while it is being rewritten is empty: taking that for "no Gates" would turn all traffic away.
  if (documents.length === 0 && errors.length === 0) return { documents, found: [whole(file, 'holds no document')] }
  return { documents, found: errors }
}

/** Adds every mistake of the document to `errors`. */
function loadDocument(raw: RawDocument, file: string, errors: ConfigError[]): Loaded | undefined {
  const doubts: Path[] = []
  const told = new Set(raw.errors.map(({ path }) => path))
  errors.push(...raw.errors)
  const tell = (path: Path, message: string, more: { hint?: string }, at: 'key' | 'value'): void => {
    const text = formatPath(path)
    if (!told.has(text)) errors.push({ file, ...raw.locate(path, at), path: text, message, ...more })
  }
  const { findings, decoded } = validateDocument(raw.value)
  for (const { path, at, message, doubt, ...more } of findings) {
    tell(path, message, more, at)
    doubts.push(doubt)
  }
  if (decoded === undefined) return undefined
  // What was left out as wrong may look like a second mistake to the rules.
  const report: Report = (path, message, more = {}) => {
    if (!doubts.some((doubt) => startsWith(path, doubt) || startsWith(doubt, path))) tell(path, message, more, 'value')
  }
  if (decoded.kind === 'Gate') checkGate(decoded.document, report)
  else checkProxy(decoded.document, report)
  return { decoded, report, complete: findings.length === 0, where: `${file}:${raw.locate([]).line}` }
}

/** Without a Proxy document: all defaults, relative to the folder of the first file. */
function defaultProxy(path: string, file: string | undefined): Decoded {
  const { decoded } = validateDocument(DEFAULT_PROXY)
  if (decoded === undefined) throw new Error('the defaults of a Proxy are not valid')
  checkNamedFiles(decoded, file === undefined ? path : dirname(file), () => {})
  return decoded
}

const startsWith = (path: Path, start: Path): boolean => start.every((key, index) => path[index] === key)

function sorted(errors: ConfigError[], paths: readonly string[], files: readonly string[]): ConfigError[] {
  const order = [...paths, ...files]
  const rank = ({ file }: ConfigError): number => order.indexOf(file)
  return errors.sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column)
}
