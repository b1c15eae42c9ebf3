import { NETWORK, type Places } from './places.ts'
import { run } from './shell.ts'

/** The device that has the node's address. */
const NODE_DEVICE = 'node0'

/**
 * Makes the cluster's network namespace: no address, route or firewall rule of the cluster touches the machine's own
 * network, and nothing in it reaches out.
 */
export async function makeNetwork({ netns, enter }: Places): Promise<void> {
  await run(['ip', 'netns', 'add', netns])
  const inside = (...command: string[]) => run([...enter, ...command])
  await inside('ip', 'link', 'set', 'lo', 'up')
  await inside('ip', 'link', 'add', NODE_DEVICE, 'type', 'bridge')
  await inside('ip', 'address', 'add', `${NETWORK.node}/24`, 'dev', NODE_DEVICE)
  await inside('ip', 'link', 'set', NODE_DEVICE, 'up')
  // Addresses of Services are on no device: without a route the kernel refuses them before kube-proxy's rules see them.
  await inside('ip', 'route', 'add', 'default', 'dev', NODE_DEVICE)
  await inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
  // Else a listener that closes resets what waits in its queue, although another one has the same port (ARCHITECTURE.md).
  await inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/tcp_migrate_req').catch(() => {})
}
