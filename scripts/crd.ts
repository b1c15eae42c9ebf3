/**
 * Writes manifests/crds/gates.streamgate.dev.yaml from the schema of the documents: `node scripts/crd.ts`.
 * One source: what is valid in a file is valid in a cluster.
 */
import { writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { stringify } from 'yaml'
import { NAME } from '../src/config/schema/terms.ts'
import { GateSpec } from '../src/config/schema.ts'
import type { Schema } from '../src/config/words.ts'
import { GATES, resourceName } from '../src/kube/objects.ts'
import { GateStatus } from '../src/kube/status-schema.ts'
import { GATE_ADDITIONS } from './crd/additions.ts'
import { structural } from './crd/structural.ts'

export const CRD_FILE = new URL('../manifests/crds/gates.streamgate.dev.yaml', import.meta.url)

const HEADER = `# Generated from src/config/schema/ and src/kube/status-schema.ts by scripts/crd.ts: change it there.\n`

const COLUMNS = [
  ['Strategy', 'string', '.spec.release.strategy', 0, 'How traffic moves.'],
  ['Phase', 'string', '.status.phase', 0, 'Phase of the release.'],
  ['Step', 'string', '.status.step', 0, 'Step of the release.'],
  ['Weight', 'number', '.status.weight', 0, "The candidate's weight in percent."],
  ['Verdict', 'string', '.status.verdict', 0, 'What the evidence says.'],
  ['Ready', 'string', '.status.conditions[?(@.type=="Ready")].status', 0, 'In force and with endpoints.'],
  ['Age', 'date', '.metadata.creationTimestamp', 0, undefined],
  ['Serving', 'string', '.status.serving', 1, 'The variant that has the traffic.'],
  ['Revision', 'string', '.status.release.revision', 1, 'What is released.'],
  ['Message', 'string', '.status.release.message', 1, 'Why it stands where it stands.'],
] as const

/** The custom resource definition, as an object. */
export function gateCrd(): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: resourceName(GATES),
      labels: { 'app.kubernetes.io/name': 'streamgate', 'app.kubernetes.io/part-of': 'streamgate' },
    },
    spec: {
      group: GATES.group,
      scope: 'Namespaced',
      // Not in category `all`: `kubectl delete all --all` must not take the routes of a namespace away.
      names: {
        kind: GATES.kind,
        listKind: `${GATES.kind}List`,
        plural: GATES.plural,
        singular: 'gate',
        shortNames: ['gt'],
        categories: ['streamgate'],
      },
      versions: [
        {
          name: GATES.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS.map(([name, type, jsonPath, priority, description]) => ({
            name,
            type,
            jsonPath,
            ...(priority === 0 ? {} : { priority }),
            ...(description === undefined ? {} : { description }),
          })),
          schema: { openAPIV3Schema: documentSchema() },
        },
      ],
    },
  }
}

function documentSchema(): object {
  const spec = GateSpec as unknown as Schema
  return {
    type: 'object',
    description: spec.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this document.' },
      kind: { type: 'string', description: 'Gate.' },
      // A gate's name is a label of metrics and a part of file names.
      metadata: { type: 'object', properties: { name: { type: 'string', pattern: NAME, maxLength: 63 } } },
      spec: structural(spec, 'spec', GATE_ADDITIONS),
      status: structural(GateStatus as unknown as Schema, 'status', GATE_ADDITIONS),
    },
  }
}

/** The file's text. Kubernetes reads YAML 1.1, in which a bare `on` is true: such keys are quoted. */
export const crdText = (): string =>
  HEADER + stringify(gateCrd(), { version: '1.1', lineWidth: 120, aliasDuplicateObjects: false })

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) writeFileSync(CRD_FILE, crdText())
