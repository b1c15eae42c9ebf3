/** The kube room: Kubernetes as a source of configuration and endpoints, and a place for state. Nothing else speaks to an API server. */
export * from './access.ts'
export * from './client.ts'
export * from './config.ts'
export * from './endpoints.ts'
export * from './errors.ts'
export * from './gates.ts'
export * from './informer.ts'
export * from './objects.ts'
