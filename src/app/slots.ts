import { type Block, EndpointRow, endpointAt, Endpoint as Shared } from '../metrics/index.ts'

/**
 * Gives each endpoint of a gate its slot in the gate's block for as long as it lives. A slot is used again only when
 * nothing runs on it any more, so that the counts of two endpoints never mix.
 */
export class Slots {
  readonly #block: Block
  readonly #taken = new Map<string, number>()
  #leaving: number[] = []
  #free: number[]

  constructor(block: Block) {
    this.#block = block
    this.#free = Array.from({ length: block.layout.endpoints }, (_, slot) => slot)
  }

  /** The slots of `ids`; ids that are no longer named give theirs back. undefined: the block has no slot left for it. */
  assign(ids: readonly string[]): Map<string, number | undefined> {
    const wanted = new Set(ids)
    for (const [id, slot] of this.#taken) {
      if (wanted.has(id)) continue
      this.#taken.delete(id)
      this.#leaving.push(slot)
    }
    this.#leaving = this.#leaving.filter((slot) => {
      if (this.#busy(slot)) return true
      this.#free.push(slot)
      return false
    })
    const slots = new Map<string, number | undefined>()
    for (const id of ids) {
      let slot = this.#taken.get(id)
      if (slot === undefined) {
        slot = this.#free.shift()
        if (slot !== undefined) {
          this.#clear(slot)
          this.#taken.set(id, slot)
        }
      }
      slots.set(id, slot)
    }
    return slots
  }

  #busy(slot: number): boolean {
    const { layout, words } = this.#block
    for (let worker = 0; worker < layout.workers; worker++) {
      const at = layout.rows + worker * layout.rowWords + layout.rowEndpoints + slot * EndpointRow.words
      if (Atomics.load(words, at + EndpointRow.inFlight) !== 0) return true
    }
    return false
  }

  #clear(slot: number): void {
    const at = endpointAt(this.#block.layout, slot)
    for (let word = 0; word < Shared.words; word++) Atomics.store(this.#block.words, at + word, 0)
  }
}
