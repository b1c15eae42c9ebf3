import { join } from 'node:path'
import type { Path } from '../config/errors.ts'
import { checkNamedFiles } from '../config/named-files.ts'
import type { Report } from '../config/rules.ts'
import type { Decoded } from '../config/validate.ts'

/** Keys of files, at any depth: secretFile, caFile, tokenFile. */
const FILE_KEY = /File$/

/**
 * Files that a custom resource names lie in the folder of its namespace and nowhere else: a Gate that could name any file
 * could send the proxy's own service account token to a server of its writer. Makes the names absolute, in place.
 */
export function checkFiles(decoded: Decoded, filesDir: string | undefined, report: Report): void {
  const named = filesNamed(decoded.document.spec, ['spec'])
  if (named.length === 0) return
  if (filesDir === undefined) {
    for (const { path } of named) report(path, 'files cannot be named here: the proxy has no folder of files for Gates')
    return
  }
  const outside = named.filter(({ name }) => !isPlain(name))
  for (const { path, name } of outside) {
    report(path, `must be a name within the folder of files of its namespace, not ${JSON.stringify(name)}`)
  }
  const { namespace } = decoded.document.metadata as { namespace?: string }
  if (outside.length === 0) checkNamedFiles(decoded, join(filesDir, namespace ?? 'default'), report)
}

/** No way out of the folder: no absolute name, no `..`. */
const isPlain = (name: string): boolean =>
  !name.startsWith('/') && !name.includes('\0') && !name.split('/').includes('..')

function filesNamed(value: unknown, path: Path): { path: Path; name: string }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key]
    if (FILE_KEY.test(key) && typeof inner === 'string') return [{ path: at, name: inner }]
    return filesNamed(inner, at)
  })
}
