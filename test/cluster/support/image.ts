import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BaseImages, baseImages, buildStandIn } from './base-image.ts'
import { buildah } from './buildah.ts'
import { CACHE, ROOT } from './places.ts'
import { run } from './shell.ts'

/** The project's image, as a file that `Cluster.load` takes. */
export interface BuiltImage {
  /** Name under which pods find it once it is loaded; `imagePullPolicy: Never`. */
  reference: string
  /** A docker-archive. */
  archive: string
  /** Sum of its layers as a registry would store them (gzip). */
  compressedBytes: number
  /** Whether its base is the real one, or the stand-in (whose size differs a little). */
  base: BaseImages
}

/** Name of the image that the harness builds. */
export const IMAGE = 'localhost/streamgate:test'

/** What the Dockerfile copies, and what says how: the image is built anew when one of them changed. */
const INPUTS = [
  'Dockerfile',
  '.dockerignore',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]
const INPUT_FOLDERS = ['src', 'bin']

/**
 * Builds the image from the project's Dockerfile with buildah, unless one of the same inputs is in the cache. Where
 * STREAMGATE_BASE_IMAGES is `stand-in`, no image registry is asked: see base-image.ts.
 */
export async function buildImage(log: (line: string) => void = () => {}): Promise<BuiltImage> {
  const base = baseImages()
  const folder = join(CACHE, 'images')
  const key = `streamgate-${base}-${digestOfInputs()}`
  const archive = join(folder, `${key}.tar`)
  const facts = join(folder, `${key}.json`)
  if (existsSync(facts) && existsSync(archive)) return JSON.parse(readFileSync(facts, 'utf8')) as BuiltImage
  mkdirSync(folder, { recursive: true })
  const dockerfile = join(ROOT, 'Dockerfile')
  if (base === 'stand-in') await buildStandIn(baseOf(dockerfile), log)
  log('building the image')
  await buildah(base, ['bud', '--layers', '--timestamp', '0', '--tag', IMAGE, '--file', dockerfile, ROOT])
  for (const name of readdirSync(folder)) if (name.startsWith('streamgate-')) rmSync(join(folder, name))
  await buildah(base, ['push', '--quiet', IMAGE, `docker-archive:${archive}.part:${IMAGE}`])
  const built = { reference: IMAGE, archive, compressedBytes: await compressedSize(`${archive}.part`), base }
  renameSync(`${archive}.part`, archive)
  writeFileSync(facts, JSON.stringify(built))
  log(`image built: ${(built.compressedBytes / 1e6).toFixed(1)} MB compressed`)
  return built
}

/** The image that a Dockerfile's stages start from: its `ARG BASE`. */
function baseOf(dockerfile: string): string {
  const base = /^ARG BASE=(\S+)$/m.exec(readFileSync(dockerfile, 'utf8'))?.[1]
  if (!base) throw new Error('the Dockerfile has no ARG BASE=IMAGE')
  return base
}

function digestOfInputs(): string {
  const hash = createHash('sha256').update(process.version)
  const below = INPUT_FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  for (const name of [...INPUTS, ...below.sort()]) {
    const file = join(ROOT, name)
    if (existsSync(file) && statSync(file).isFile()) hash.update(`${name}\0`).update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex').slice(0, 12)
}

async function compressedSize(archive: string): Promise<number> {
  const manifest = JSON.parse(await run(['tar', '-xOf', archive, 'manifest.json'])) as { Layers: string[] }[]
  let sum = 0
  for (const layer of manifest[0]!.Layers) {
    sum += Number(await run(['sh', '-c', 'tar -xOf "$1" "$2" | gzip -6 | wc -c', 'sh', archive, layer]))
  }
  return sum
}
