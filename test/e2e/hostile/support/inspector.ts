import { once } from 'node:events'

/** Speaks to a Node process that was started with --inspect, and to its worker threads. */
export class Inspector {
  readonly #socket: WebSocket
  readonly #sessions: string[] = []
  #id = 0
  #waiting: (() => void)[] = []

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const { method, params } = JSON.parse(String(data)) as { method?: string; params?: { sessionId: string } }
      if (method !== 'NodeWorker.attachedToWorker') return
      this.#sessions.push(params!.sessionId)
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  static async connect(url: string): Promise<Inspector> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const inspector = new Inspector(socket)
    inspector.#send('NodeWorker.enable', { waitForDebuggerOnStart: false })
    return inspector
  }

  /** Waits until so many worker threads have been seen; their sessions, oldest first. */
  async workers(count: number): Promise<readonly string[]> {
    while (this.#sessions.length < count) await new Promise<void>((wake) => this.#waiting.push(wake))
    return this.#sessions
  }

  /** Runs `expression` in a worker. */
  evaluate(sessionId: string, expression: string): void {
    const message = JSON.stringify({ id: ++this.#id, method: 'Runtime.evaluate', params: { expression } })
    this.#send('NodeWorker.sendMessageToWorker', { sessionId, message })
  }

  close(): void {
    this.#socket.close()
  }

  #send(method: string, params: object): void {
    this.#socket.send(JSON.stringify({ id: ++this.#id, method, params }))
  }
}
