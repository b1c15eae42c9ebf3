import type { StickySpec } from '../snapshot.ts'

/** Value of the Set-Cookie field that gives a user their bucket. */
export declare function stickyCookie(
  sticky: StickySpec,
  bucket: number,
  secure: boolean,
  sign?: (text: string) => string,
): string
