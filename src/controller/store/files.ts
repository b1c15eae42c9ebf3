import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The few things that the store does to a disk; a test replaces them to crash between any two. */
export interface Files {
  /** Makes the folder and those above it. */
  makeFolder(path: string): Promise<void>
  /** Names in a folder; empty when it does not exist. */
  list(path: string): Promise<string[]>
  /** undefined: no such file. */
  read(path: string): Promise<Buffer | undefined>
  /** Writes the whole file and waits until it is on the disk. */
  write(path: string, data: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Waits until the names in the folder are on the disk. */
  syncFolder(path: string): Promise<void>
  remove(path: string): Promise<void>
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

export const disk: Files = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true })
  },
  async list(path) {
    try {
      return await readdir(path)
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  },
  async read(path) {
    try {
      return await readFile(path)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },
  async write(path, data) {
    const file = await open(path, 'w', 0o640)
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
  },
  rename,
  async syncFolder(path) {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  },
  async remove(path) {
    try {
      await unlink(path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  },
}

/**
 * Replaces a file as a whole: whoever reads it sees the old content or the new one, also after a power cut. `durable`:
 * resolves when that is so; else the folder's entry may still be the old one after a power cut.
 */
export async function replaceFile(files: Files, path: string, data: string, durable = true): Promise<void> {
  const temporary = `${path}.tmp`
  await files.write(temporary, data)
  await files.rename(temporary, path)
  if (durable) await files.syncFolder(dirname(path))
}
