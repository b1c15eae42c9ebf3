import type { Refusal } from '../commands.ts'
import type { Move } from '../moves/move.ts'
import type { Why } from '../state.ts'

/** What a command does in a phase: a move, a refusal, or nothing because it is already so. */
export type Obeyed = { move: Move } | { refusal: Refusal } | { already: string }

/** Nothing changes, and why. */
export const refuse = (code: string, detail: string): Obeyed => ({ refusal: { code, detail } })

/** A person wanted it so. */
export const manual = (message: string): Why => ({ verdict: 'Undecided', reason: 'Manual', message })
