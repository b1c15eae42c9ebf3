import { suggest } from '../config/suggest.ts'
import type { AdminClient, GateName } from './client.ts'
import { CliError, Exit } from './exit.ts'

/** `name` or `namespace/name` as typed; a short name must mean one gate only. */
export async function resolveGate(client: AdminClient, typed: string): Promise<GateName> {
  const parts = typed.split('/')
  if (parts.length > 2 || parts.some((part) => part === '')) {
    throw new CliError(Exit.usage, `"${typed}" is not a gate.`, 'Give NAME or NAMESPACE/NAME.')
  }
  if (parts.length === 2) return { namespace: parts[0]!, name: parts[1]! }
  const gates = await client.gates()
  const same = gates.filter((gate) => gate.name === typed)
  if (same.length === 1) return { namespace: same[0]!.namespace, name: typed }
  if (same.length > 1) {
    const names = same.map((gate) => `${gate.namespace}/${gate.name}`).join(', ')
    throw new CliError(Exit.usage, `"${typed}" could be ${names}.`, 'Give NAMESPACE/NAME.')
  }
  throw new CliError(Exit.usage, `no gate "${typed}".`, meant(typed, [...new Set(gates.map((gate) => gate.name))]))
}

function meant(typed: string, names: readonly string[]): string {
  if (names.length === 0) return 'No gate is configured.'
  const near = suggest(typed, names)
  if (near !== undefined) return `Did you mean ${near}?`
  return names.length <= 10 ? `Gates: ${names.join(', ')}.` : '`streamgate status` lists the gates.'
}
