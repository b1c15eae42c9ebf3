import t from 'tap'
import { kubeSuite } from '../kube/on-cluster.ts'

kubeSuite(t)
