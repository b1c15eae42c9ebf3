import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { flags } from './control-plane.ts'
import { startDaemon } from './daemon.ts'
import { kubeconfigOf } from './pki.ts'
import { NETWORK, NODE_NAME, type Places } from './places.ts'

/** Starts the kubelet and kube-proxy; the container runtime and the API server must be there. */
export function startNode(places: Places): void {
  const config = join(places.dir, 'kubelet.yaml')
  writeFileSync(config, stringify(kubeletConfig(places)))
  startDaemon(places, 'kubelet', [
    join(places.bin, 'kubelet'),
    ...flags({
      config,
      kubeconfig: kubeconfigOf(places, 'kubelet'),
      'hostname-override': NODE_NAME,
      'node-ip': NETWORK.node,
      'root-dir': join(places.dir, 'kubelet'),
    }),
  ])
  startDaemon(places, 'kube-proxy', [
    join(places.bin, 'kube-proxy'),
    ...flags({
      kubeconfig: kubeconfigOf(places, 'kube-proxy'),
      'hostname-override': NODE_NAME,
      'proxy-mode': 'iptables',
      'cluster-cidr': NETWORK.pods,
      // Conntrack's limits are the machine's, and often read-only: 0 leaves them alone.
      'conntrack-max-per-core': 0,
      'conntrack-tcp-timeout-established': '0s',
      'conntrack-tcp-timeout-close-wait': '0s',
    }),
  ])
}

const kubeletConfig = ({ dir, pki, cgroup, containerdSocket }: Places) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: join(pki, 'ca.crt') },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: join(pki, 'kubelet.crt'),
  tlsPrivateKeyFile: join(pki, 'kubelet.key'),
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${cgroup}`,
  cgroupsPerQOS: true,
  enforceNodeAllocatable: [],
  // The machine may have version 1 only, which the kubelet refuses by default.
  failCgroupV1: false,
  failSwapOn: false,
  // The machine's memory and disk have other users, whose needs must not cost us pods or images.
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  imageGCHighThresholdPercent: 100,
  clusterDNS: [NETWORK.dns],
  clusterDomain: 'cluster.local',
  maxPods: 100,
  podLogsDir: join(dir, 'pod-logs'),
  volumePluginDir: join(dir, 'volume-plugins'),
  // No static pods.
  fileCheckFrequency: '0s',
})
