import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { type ConfigError, formatPath, type Path } from './errors.ts'

/** A document as plain data, and where each of its values stands. */
export interface RawDocument {
  /** Maps, lists, texts, finite numbers and booleans; keys whose value is null are left out, they mean the default. */
  value: unknown
  /** Mistakes that need no schema: keys given twice, unknown anchors, values that are no plain data. */
  errors: ConfigError[]
  /** Line and column of the value at the path (`key`: of its key), or of the nearest ancestor that is in the file. */
  locate(path: Path, what?: 'key' | 'value'): { line: number; column: number }
}

/** Four times what any document needs. */
const MAX_DEPTH = 32
/** Nodes that aliases may add to a document: enough for shared sections, too few for a bomb. */
const MAX_ALIASED_NODES = 10_000
const MAX_SYNTAX_ERRORS = 20

interface Spot {
  key: number
  value: number
}

/** Parses YAML (JSON is a subset). A document with a mistake in its syntax is not among the results. Never throws. */
export function parseDocuments(text: string, file: string): { documents: RawDocument[]; errors: ConfigError[] } {
  const counter = new LineCounter()
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const documents: RawDocument[] = []
  const errors: ConfigError[] = []
  try {
    const options = { lineCounter: counter, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' } as const
    const parsed = parseAllDocuments(text, options)
    for (const document of Array.isArray(parsed) ? parsed : []) {
      const problems = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])
      // One slip of the indentation makes many follow-up errors: the first of each line is enough.
      const lines = new Set(errors.map((error) => error.line))
      for (const { pos, message } of problems) {
        const at = place(pos[0])
        if (lines.has(at.line) || errors.length >= MAX_SYNTAX_ERRORS) continue
        lines.add(at.line)
        errors.push({ file, ...at, path: '', message: syntaxMessage(message) })
      }
      const root = document.contents
      if (problems.length > 0 || root === null || (isScalar(root) && root.value === null)) continue
      const found: ConfigError[] = []
      const reader = new Reader((path, offset, message) =>
        found.push({ file, ...place(offset), path: formatPath(path), message }),
      )
      const value = reader.read(root)
      documents.push({ value, errors: found, locate: (path, what = 'value') => place(reader.offset(path, what)) })
    }
  } catch (error) {
    errors.push({ file, line: 1, column: 1, path: '', message: syntaxMessage((error as Error).message) })
  }
  return { documents, errors }
}

/** Turns nodes into plain data, remembering each place. */
class Reader {
  readonly #report: (path: Path, offset: number, message: string) => void
  readonly #spots = new Map<string, Spot>()
  readonly #anchors = new Map<string, Node>()
  #aliased = 0
  #inAlias = 0

  constructor(report: (path: Path, offset: number, message: string) => void) {
    this.#report = report
  }

  read(root: Node): unknown {
    return this.#node(root, [], root.range?.[0] ?? 0)
  }

  offset(path: Path, what: 'key' | 'value'): number {
    for (let length = path.length; length >= 0; length--) {
      const spot = this.#spots.get(JSON.stringify(path.slice(0, length)))
      if (spot !== undefined) return length === path.length ? spot[what] : spot.key
    }
    return 0
  }

  #node(node: Node | null, path: Path, key: number): unknown {
    const value = this.#inAlias > 0 ? key : (node?.range?.[0] ?? key)
    this.#spots.set(JSON.stringify(path), {
      key: path.length === 0 || typeof path.at(-1) === 'number' ? value : key,
      value,
    })
    if (node === null) return undefined
    if (path.length > MAX_DEPTH) return this.#fail(path.slice(0, 4), value, 'nested too deeply')
    if (this.#inAlias > 0 && ++this.#aliased > MAX_ALIASED_NODES) {
      if (this.#aliased === MAX_ALIASED_NODES + 1) this.#report(path, value, 'aliases expand to too much')
      return undefined
    }
    if (isAlias(node)) return this.#alias(node.source, path, value)
    const plain = this.#plain(node, path, value)
    // Known from its end on: an alias inside of what it names has no end.
    const anchor = (node as { anchor?: string }).anchor
    if (anchor !== undefined) this.#anchors.set(anchor, node)
    return plain
  }

  #plain(node: Node, path: Path, at: number): unknown {
    if (isMap(node)) return this.#map(node.items as { key: unknown; value: unknown }[], path, at)
    if (isSeq(node)) return this.#list(node.items as Node[], path, at)
    return isScalar(node) ? this.#scalar(node.value, path, at) : this.#fail(path, at, 'not supported here')
  }

  #alias(name: string, path: Path, at: number): unknown {
    const target = this.#anchors.get(name)
    if (target === undefined) return this.#fail(path, at, `there is no anchor &${name} before this alias`)
    this.#inAlias++
    try {
      return this.#node(target, path, at)
    } finally {
      this.#inAlias--
    }
  }

  #map(items: { key: unknown; value: unknown }[], path: Path, at: number): unknown {
    const out: Record<string, unknown> = {}
    const seen = new Set<string>()
    for (const item of items) {
      const keyNode = item.key as Node
      const keyAt = this.#inAlias > 0 ? at : (keyNode?.range?.[0] ?? at)
      const name = isScalar(keyNode) && typeof keyNode.value !== 'symbol' ? String(keyNode.value) : undefined
      if (name === undefined) {
        this.#report(path, keyAt, 'a key must be a plain text')
        continue
      }
      const where = [...path, name]
      if (seen.has(name)) {
        this.#report(where, keyAt, 'is given twice')
        continue
      }
      seen.add(name)
      const value = this.#node(item.value as Node | null, where, keyAt)
      // Defined, not assigned: `__proto__` is a key like any other, and then an unknown one.
      if (value !== undefined) {
        Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true })
      }
    }
    return out
  }

  #list(items: Node[], path: Path, at: number): unknown {
    // An empty element stays, as null, so that the others keep their index; the schema refuses it.
    return items.map((item, index) => this.#node(item, [...path, index], at) ?? null)
  }

  #scalar(value: unknown, path: Path, at: number): unknown {
    if (value === null) return undefined
    if (typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number' && Number.isFinite(value)) return value
    return this.#fail(path, at, 'must be a text, a finite number, true or false')
  }

  #fail(path: Path, at: number, message: string): undefined {
    this.#report(path, at, message)
    return undefined
  }
}

/** The parser is recursive: a file of opening brackets ends in a full stack. */
const syntaxMessage = (message: string): string =>
  /call stack|stack overflow/i.test(message)
    ? 'nested too deeply'
    : `not valid YAML: ${(message.split('\n')[0] ?? '').slice(0, 200)}`
