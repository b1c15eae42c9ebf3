import type { Additions } from './structural.ts'

/**
 * src/config/rules.ts in CEL, as far as CEL can say it; the rest (URLs that cannot be parsed, two Gates for one host, files)
 * is told by the Gate's conditions. test/kube/gate-mistakes.ts holds both to the same verdicts.
 */
export const GATE_ADDITIONS: Additions = {
  rules: {
    spec: [
      {
        rule: '!has(self.release) || size(self.variants) >= 2',
        message: 'must be two or more variants, since spec.release is given',
        fieldPath: '.variants',
      },
      {
        rule: '!has(self.release) || self.variants.exists(v, v.name == self.release.serving)',
        message: 'release.serving must be the name of a variant',
        fieldPath: '.release.serving',
      },
      {
        rule: '!has(self.release) || self.variants.exists(v, v.name == self.release.candidate)',
        message: 'release.candidate must be the name of a variant',
        fieldPath: '.release.candidate',
      },
      {
        // Weights have two decimals: half of the last one is the tolerance.
        rule: '!self.variants.exists(v, has(v.weight)) || (self.variants.map(v, has(v.weight) ? v.weight : 0.0).sum() > 99.995 && self.variants.map(v, has(v.weight) ? v.weight : 0.0).sum() < 100.005)',
        message: 'weights must sum to 100',
        fieldPath: '.variants',
      },
      {
        rule: 'has(self.release) || self.mirror.percent == 0.0',
        message: 'must be 0 without spec.release: it names the candidate that gets the copies',
        fieldPath: '.mirror.percent',
      },
      {
        rule: 'self.overrides.all(o, self.variants.exists(v, v.name == o.variant))',
        message: 'every override must name a variant',
        fieldPath: '.overrides',
      },
    ],
    'spec.variants[]': [{ rule: 'has(self.urls) != has(self.service)', message: 'needs either urls or service' }],
    'spec.release': [
      {
        rule: 'self.serving != self.candidate',
        message: 'must be another variant than serving',
        fieldPath: '.candidate',
      },
      {
        rule: '!has(self.steps) || (self.steps.map(s, s.weight).isSorted() && self.steps.all(s, self.steps.exists_one(o, o.weight == s.weight)))',
        message: 'weights must rise from step to step',
        fieldPath: '.steps',
      },
      {
        rule: '!has(self.steps) || self.steps[size(self.steps) - 1].weight == 100.0',
        message: 'the last step must have weight 100: a release ends with all traffic on the candidate',
        fieldPath: '.steps',
      },
      {
        rule: "!has(self.steps) || self.strategy != 'BlueGreen' || size(self.steps) == 1",
        message: 'must be one step of weight 100 with strategy BlueGreen: all traffic moves at once',
        fieldPath: '.steps',
      },
    ],
    'spec.sticky': [
      {
        rule: "self.by != 'Header' || has(self.name)",
        message: 'name is required with by: Header: the name of the header',
      },
      { rule: "self.by != 'ClientIP' || !has(self.name)", message: 'name is only for by: Cookie and by: Header' },
      { rule: "self.by == 'Cookie' || !has(self.ttl)", message: 'ttl is only for by: Cookie' },
      { rule: "self.by == 'Cookie' || !has(self.secretFile)", message: 'secretFile is only for by: Cookie' },
    ],
    'spec.overrides[]': [{ rule: 'has(self.header) != has(self.cookie)', message: 'needs either header or cookie' }],
    'spec.analysis.checks[]': [
      { rule: 'has(self.webhook) != has(self.prometheus)', message: 'needs either webhook or prometheus' },
    ],
    'spec.analysis.checks[].prometheus': [
      { rule: 'has(self.min) || has(self.max)', message: 'needs min or max or both' },
      { rule: '!has(self.min) || !has(self.max) || self.min <= self.max', message: 'min must be at most max' },
    ],
  },
  lists: {
    'spec.hosts': { type: 'set' },
    'spec.variants': { type: 'map', keys: ['name'] },
    'spec.analysis.checks': { type: 'map', keys: ['name'] },
    'status.conditions': { type: 'map', keys: ['type'] },
    // Lists with a default are atomic: nobody owns the elements of a default, so a set would keep them beside what is applied.
  },
}
