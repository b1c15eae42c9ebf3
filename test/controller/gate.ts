import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import type { GateConfig } from '../../src/config/schema.ts'

const STEPS = '[{weight: 5, minDuration: 2s}, {weight: 50, minDuration: 2s}, {weight: 100, minDuration: 2s}]'

/** The gate of the tests, decoded as the program would; lines of YAML are added to its parts. */
export function parseGate(
  parts: { release?: string; spec?: string; steps?: string; weights?: [number, number]; names?: [string, string] } = {},
): GateConfig {
  const { release = '', spec = '', steps = STEPS, weights, names: [one, two] = ['stable', 'canary'] } = parts
  const weight = (index: number) => (weights === undefined ? '' : `weight: ${weights[index]}, `)
  const text = `apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  variants:
    - {name: ${one}, ${weight(0)}urls: ["http://127.0.0.1:9001"]}
    - {name: ${two}, ${weight(1)}urls: ["http://127.0.0.1:9002"]}
  release: {serving: ${one}, candidate: ${two}, ${release.includes('bake') ? '' : 'bake: 2s, '}${steps === '' ? '' : `steps: ${steps}, `}${release}}
${spec}
`
  const folder = mkdtempSync(join(tmpdir(), 'streamgate-gate-'))
  try {
    const file = join(folder, 'gate.yaml')
    writeFileSync(file, text)
    const loaded = loadConfig([file])
    if (!loaded.ok) throw new Error(`${loaded.errors.map(({ message }) => message).join('; ')}\n${text}`)
    return loaded.config.gates[0]!
  } finally {
    rmSync(folder, { recursive: true })
  }
}
