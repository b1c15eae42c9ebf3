import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { buildah, hasImage } from './buildah.ts'
import { CACHE } from './places.ts'
import { run } from './shell.ts'

/** Where base images come from: an image registry, or made here from Debian's packages and this machine's Node. */
export type BaseImages = 'registry' | 'stand-in'

/** What STREAMGATE_BASE_IMAGES says; default `registry`. */
export function baseImages(env: NodeJS.ProcessEnv = process.env): BaseImages {
  const value = env.STREAMGATE_BASE_IMAGES ?? 'registry'
  if (value !== 'registry' && value !== 'stand-in')
    throw new Error(`STREAMGATE_BASE_IMAGES=${value}: registry or stand-in`)
  return value
}

const DEBIAN = 'bookworm'

/** Libraries that the official image's Node is linked with, and the CAs that it comes with. */
const PACKAGES = ['ca-certificates', 'libatomic1', 'libstdc++6']

/** What the slim images leave out, too. */
const BALLAST = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'var/cache/apt',
  'var/lib/apt/lists',
]

/**
 * Makes an image that does for the official Node image `name` and tags it so, unless it is there already: Debian with the
 * Node that runs this, npm, and the user `node`. Where NODE_EXTRA_CA_CERTS names more CAs, the image has them too: the
 * way to the package registry may need them.
 */
export async function buildStandIn(name: string, log: (line: string) => void): Promise<void> {
  const label = `streamgate.stand-in=${process.version}`
  if (await hasImage('stand-in', name, label)) return
  log(`making a stand-in for ${name}`)
  mkdirSync(CACHE, { recursive: true })
  const work = mkdtempSync(join(CACHE, 'stand-in-'))
  try {
    const root = join(work, 'root')
    const include = `--include=${PACKAGES.join(',')}`
    await run(['nice', '-n', '10', 'debootstrap', '--variant=minbase', include, DEBIAN, root], { show: true })
    for (const folder of BALLAST) rmSync(join(root, folder), { recursive: true, force: true })
    await run(['chroot', root, 'useradd', '--uid', '1000', '--user-group', '--create-home', 'node'])
    await addNode(root)
    const environment = addCertificates(root)
    const lines = ['FROM scratch', 'COPY root /', `LABEL ${label}`, ...environment, 'CMD ["node"]']
    writeFileSync(join(work, 'Dockerfile'), lines.join('\n'))
    await buildah('stand-in', ['bud', '--tag', name, work])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Puts Node and npm where the official image has them. */
async function addNode(root: string): Promise<void> {
  const local = join(root, 'usr/local')
  copyFileSync(process.execPath, join(local, 'bin/node'))
  const npm = realpathSync((await run(['sh', '-c', 'command -v npm'])).trim())
  cpSync(join(npm, '../..'), join(local, 'lib/node_modules/npm'), { recursive: true, verbatimSymlinks: true })
  for (const command of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${command}-cli.js`, join(local, 'bin', command))
  }
}

/** Takes the CAs along that this machine's Node is told to believe; the Dockerfile lines that say so to the image's. */
function addCertificates(root: string): string[] {
  const extra = process.env.NODE_EXTRA_CA_CERTS
  if (!extra || !existsSync(extra)) return []
  copyFileSync(extra, join(root, 'etc/ssl/certs/extra-ca-certificates.crt'))
  return ['ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/extra-ca-certificates.crt']
}
