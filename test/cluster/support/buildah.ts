import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE } from './places.ts'
import { run } from './shell.ts'

/** A storage and policy of our own: images of other people on this machine are neither used nor removed. */
const FOLDER = join(CACHE, 'buildah')

/** Runs buildah in the storage `store`, as it works without privileges that containers lack. Its output goes to stderr. */
export async function buildah(store: string, args: string[]): Promise<void> {
  await run(command(store, args), { env: environment(), show: true })
}

/** Whether the storage has an image of that name and label. */
export async function hasImage(store: string, name: string, label: string): Promise<boolean> {
  const filter = ['images', '--quiet', '--filter', `label=${label}`, '--filter', `reference=${name}`]
  return (await run(command(store, filter), { env: environment() })).trim() !== ''
}

function command(store: string, args: string[]): string[] {
  const root = join(FOLDER, store)
  mkdirSync(root, { recursive: true })
  const policy = join(FOLDER, 'policy.json')
  writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  const [verb, ...rest] = args as [string, ...string[]]
  const signed = ['bud', 'push', 'from'].includes(verb) ? ['--signature-policy', policy] : []
  return [
    'nice',
    '-n',
    '10',
    'buildah',
    '--root',
    root,
    '--runroot',
    join(FOLDER, `${store}-run`),
    verb,
    ...signed,
    ...rest,
  ]
}

const environment = () => ({ ...process.env, BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' })
