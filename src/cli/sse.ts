/** A server-sent event. */
export interface ServerEvent {
  event: string
  data: string
}

/** Splits the text of an event stream, which comes in any pieces, into events. Comments are skipped. */
export class EventParser {
  #rest = ''
  #event = ''
  #data: string[] = []

  /** The events that `text` completes. */
  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = []
    const lines = (this.#rest + text).split(/\r\n|\n/)
    this.#rest = lines.pop()!
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) events.push({ event: this.#event || 'message', data: this.#data.join('\n') })
        this.#event = ''
        this.#data = []
      } else if (line.startsWith('event:')) this.#event = line.slice(6).trimStart()
      else if (line.startsWith('data:')) this.#data.push(line.slice(5).replace(/^ /, ''))
    }
    return events
  }
}
