/** The demo's configuration: one gate, two variants, steps short enough to watch. */
export function demoConfig(ports: { stable: number; canary: number }): string {
  return `# Written by "streamgate demo". The same documents run in front of your own services.
apiVersion: streamgate.dev/v1alpha1
kind: Proxy
metadata: {name: demo}
spec:
  listeners: [{name: http, host: 127.0.0.1, port: 0}]
  workers: 2
  accessLog: {enabled: false}
  admin: {port: 0}
  metrics: {host: 127.0.0.1, port: 0}
  state: {dir: ./state}
---
apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  variants:
    - {name: stable, urls: ["http://127.0.0.1:${ports.stable}"]}
    - {name: canary, urls: ["http://127.0.0.1:${ports.canary}"]}
  release:
    strategy: Canary
    serving: stable
    candidate: canary
    trigger: Manual
    steps:
      - {weight: 5, minDuration: 3s}
      - {weight: 10, minDuration: 2s}
      - {weight: 25, minDuration: 2s}
      - {weight: 50, minDuration: 2s}
      - {weight: 100, minDuration: 2s}
    bake: 3s
`
}
