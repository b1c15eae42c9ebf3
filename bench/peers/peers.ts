import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')
/** Where pip put Envoy (`npm run bench -- --install`). */
export const envoyVenv = join(root, 'bench/tmp/envoy')

export interface Peer {
  name: string
  /** Template in bench/peers; `${port}`, `${v1}`, `${v2}` and `${dir}` are filled in. undefined: none. */
  template?: string
  /** The command, or undefined where the peer is not installed. */
  command(config: string, ports: { port: number; v1: number; v2: number }): string[] | undefined
  version(): string
}

const has = (command: string): string | undefined =>
  spawnSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).stdout.trim() || undefined
const installed = (command: string, line: string[]): string[] | undefined => (has(command) ? line : undefined)
const firstLine = (command: string, ...args: string[]): string => {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return `${stdout}${stderr}`.trim().split('\n')[0] ?? ''
}
const envoy = (): string | undefined => {
  if (existsSync(join(envoyVenv, 'bin/envoy'))) return join(envoyVenv, 'bin/envoy')
  return has('envoy')
}

/** StreamGate and what it is measured against; nginx first, as all ratios are to it. */
export const PEERS: readonly Peer[] = [
  {
    name: 'nginx',
    template: 'nginx.conf',
    command: (config) => installed('nginx', ['nginx', '-c', config, '-g', 'daemon off;']),
    version: () => firstLine('nginx', '-v').replace('nginx version: nginx/', ''),
  },
  {
    name: 'streamgate',
    template: 'streamgate.yaml',
    command: (config) => [join(root, 'bin/streamgate'), 'run', '-c', config],
    version: () => execFileSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).trim(),
  },
  {
    name: 'haproxy',
    template: 'haproxy.cfg',
    command: (config) => installed('haproxy', ['haproxy', '-db', '-f', config]),
    version: () => firstLine('haproxy', '-v').split(' ')[2] ?? '',
  },
  {
    name: 'envoy',
    template: 'envoy.yaml',
    command: (config) => {
      const binary = envoy()
      return binary === undefined
        ? undefined
        : [binary, '-c', config, '--concurrency', '1', '-l', 'error', '--use-dynamic-base-id']
    },
    version: () =>
      firstLine(envoy() ?? 'envoy', '--version')
        .replace(/^.*version: [0-9a-f]*\//, '')
        .split('/')[0] ?? '',
  },
  {
    name: 'caddy',
    template: 'Caddyfile',
    command: (config) => installed('caddy', ['caddy', 'run', '--adapter', 'caddyfile', '--config', config]),
    version: () => firstLine('caddy', 'version').split(' ')[0] ?? '',
  },
  {
    name: 'fastify + http-proxy',
    command: (_config, { port, v1, v2 }) => [
      process.execPath,
      join(root, 'bench/peers/fastify.ts'),
      `${port}`,
      `${v1}`,
      `${v2}`,
    ],
    version: () => firstLine(process.execPath, '-p', "require('@fastify/http-proxy/package.json').version"),
  },
]
