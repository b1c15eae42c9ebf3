// Preloaded into the program under test (NODE_OPTIONS=--import): its wall clock is off by as many milliseconds as the file named by WALL_OFFSET_FILE says, from the
// moment at which it says so. The monotonic clock is left alone, as a jump of the system's clock leaves it.
import { readFileSync } from 'node:fs'

const file = process.env.WALL_OFFSET_FILE!
const RealDate = Date
let offsetMs = 0
setInterval(() => {
  try {
    offsetMs = Number(readFileSync(file, 'utf8'))
  } catch {
    offsetMs = 0
  }
}, 20).unref()

globalThis.Date = class extends RealDate {
  constructor(...args: [] | [number | string]) {
    if (args.length === 0) super(RealDate.now() + offsetMs)
    else super(args[0])
  }

  static override now(): number {
    return RealDate.now() + offsetMs
  }
} as DateConstructor
