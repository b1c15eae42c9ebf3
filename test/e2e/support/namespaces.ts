import { spawnSync } from 'node:child_process'

/** Why network namespaces cannot be used here, or false. */
export const noNamespaces = ((): string | false => {
  const { status, stderr } = spawnSync(
    'unshare',
    ['-n', 'sh', '-c', 'ip link set lo up && sysctl -q net.ipv4.tcp_migrate_req=1'],
    {
      encoding: 'utf8',
    },
  )
  return status === 0 ? false : `needs a network namespace with net.ipv4.tcp_migrate_req: ${stderr ?? 'no unshare'}`
})()
