import { type ParseArgsConfig, parseArgs } from 'node:util'
import { buildBinaries } from './binaries.ts'
import { Cluster } from './cluster.ts'
import { buildImage, IMAGE } from './image.ts'
import { installPackages, whatIsMissing } from './needs.ts'

/** What the command lines of up.ts and run.ts share. */
export interface PrepareOptions {
  /** Installs missing Debian packages rather than naming them. */
  install: boolean
  log: (line: string) => void
}

/** The command line's options and words; on a mistake in it, says so and ends the process with 2. */
export function parseCommandLine<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

/** A cluster with the project's image in it. */
export interface Prepared {
  cluster: Cluster
  /** The image's name for pods. */
  image: string
  /** What suites must be told: the cluster, the image. */
  environment: NodeJS.ProcessEnv
}

/** Why a cluster can't be had here; its lines name what is missing. */
export class NotPossible extends Error {
  readonly missing: string[]

  constructor(missing: string[]) {
    super(`a cluster can't be started here, it needs:\n${missing.map((line) => `  - ${line}`).join('\n')}`)
    this.name = 'NotPossible'
    this.missing = missing
  }
}

/**
 * The cluster that KUBECONFIG names, or a new one of our own, with the project's image loaded (or with the one that
 * STREAMGATE_IMAGE names, which it must be able to pull). Rejects with NotPossible where something is missing.
 */
export async function prepare({ install, log }: PrepareOptions): Promise<Prepared> {
  const foreign = process.env.KUBECONFIG !== undefined
  if (install && !foreign) await installPackages()
  const missing = foreign ? [] : await whatIsMissing()
  if (missing.length > 0) throw new NotPossible(missing)
  if (!foreign) await buildBinaries(log)
  const named = process.env.STREAMGATE_IMAGE
  const built = named ? undefined : await buildImage(log)
  const cluster = foreign ? Cluster.current() : await Cluster.start({ log })
  try {
    if (built) await cluster.load(built.archive)
    const image = named ?? IMAGE
    const environment: NodeJS.ProcessEnv = { ...cluster.environment(), STREAMGATE_IMAGE: image }
    if (built) environment.STREAMGATE_IMAGE_BYTES = String(built.compressedBytes)
    return { cluster, image, environment }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
