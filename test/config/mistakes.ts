/** Mistakes, each with the exact words that tell of it. Line 5 is the first one of the spec. */
const G = 'apiVersion: streamgate.dev/v1alpha1\nkind: Gate\nmetadata: {name: shop}\nspec:\n'
const P = 'apiVersion: streamgate.dev/v1alpha1\nkind: Proxy\nmetadata: {name: edge}\nspec:\n'
const V = '  variants: [{name: a, urls: ["http://h:1"]}, {name: b, urls: ["http://h:2"]}]\n'
const V1 = '  variants: [{name: a, urls: ["http://h:1"]}]\n'
const R = '  release: {serving: a, candidate: b}\n'
const U = 'urls: ["http://h:1"]'

export const mistakes: readonly (readonly [name: string, text: string, errors: readonly string[]])[] = [
  // syntax
  ['empty file', '', ['f.yaml:1:1 holds no document']],
  ['only comments', '# nothing\n', ['f.yaml:1:1 holds no document']],
  [
    'not closed',
    `${G}  hosts: [a.example, b.example\n`,
    ['f.yaml:6:1 not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  ['tab', 'apiVersion: x\nkind:\n\tGate\n', ['f.yaml:3:1 not valid YAML: Tabs are not allowed as indentation']],
  [
    'bad indentation',
    `${G + V1}   paths: [/]\n`,
    ['f.yaml:6:1 not valid YAML: All mapping items must start at the same column'],
  ],
  ['unclosed quote', `${G}  hosts: ["a]\n`, ['f.yaml:6:1 not valid YAML: Missing closing "quote']],
  [
    'broken JSON',
    '{"apiVersion": "streamgate.dev/v1alpha1",\n "kind": "Gate" "metadata": {}}\n',
    ['f.yaml:2:10 not valid YAML: Block collections are not allowed within flow collections'],
  ],
  ['duplicate key', `${G + V1}  paths: [/a]\n  paths: [/b]\n`, ['f.yaml:7:3 spec.paths: is given twice']],
  ['unknown alias', `${G}  variants: *all\n`, ['f.yaml:5:13 spec.variants: there is no anchor &all before this alias']],
  ['custom tag', `${G}  variants: !secret x\n`, ['f.yaml:5:13 not valid YAML: Unresolved tag: !secret']],
  [
    'alias bomb',
    'a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n',
    [
      'f.yaml:1:1 apiVersion: is required: streamgate.dev/v1alpha1',
      'f.yaml:1:1 kind: is required: Proxy or Gate',
      'f.yaml:4:29 d[7][1][0][6]: aliases expand to too much',
    ],
  ],
  [
    'too deep',
    `${G}  hosts: ${'['.repeat(70)}${']'.repeat(70)}\n${V1}`,
    [
      'f.yaml:5:11 spec.hosts[0]: must be a host name such as shop.example.com or *.example.com, without a port, not a list of 1',
      'f.yaml:5:41 spec.hosts[0][0]: nested too deeply',
    ],
  ],
  [
    'circular alias',
    `${G}  hosts: &hosts [*hosts]\n${V1}`,
    ['f.yaml:5:18 spec.hosts[0]: there is no anchor &hosts before this alias'],
  ],
  [
    'infinite number',
    `${G + V1}  analysis: {maxErrorRate: .inf}\n`,
    ['f.yaml:6:28 spec.analysis.maxErrorRate: must be a text, a finite number, true or false'],
  ],
  [
    'a list instead of a document',
    '- a\n- b\n',
    ['f.yaml:1:1 must be a document with apiVersion, kind, metadata and spec, not a list of 2'],
  ],
  [
    'a text instead of a document',
    'hello\n',
    ['f.yaml:1:1 must be a document with apiVersion, kind, metadata and spec, not "hello"'],
  ],
  // kind
  [
    'no apiVersion and kind',
    'metadata: {name: shop}\n',
    ['f.yaml:1:1 apiVersion: is required: streamgate.dev/v1alpha1', 'f.yaml:1:1 kind: is required: Proxy or Gate'],
  ],
  [
    'wrong apiVersion',
    G.replace('v1alpha1', 'v1') + V1,
    ['f.yaml:1:13 apiVersion: must be streamgate.dev/v1alpha1, not "streamgate.dev/v1"'],
  ],
  [
    'wrong kind',
    G.replace('Gate', 'Gates') + V1,
    ['f.yaml:2:7 kind: must be Proxy or Gate, not "Gates" (did you mean Gate?)'],
  ],
  [
    'another kind',
    'apiVersion: apps/v1\nkind: Deployment\n',
    [
      'f.yaml:1:13 apiVersion: must be streamgate.dev/v1alpha1, not "apps/v1"',
      'f.yaml:2:7 kind: must be Proxy or Gate, not "Deployment"',
    ],
  ],
  [
    'two proxies',
    `${P}  workers: 1\n---\n${P}  workers: 2\n`,
    ['f.yaml:8:7 kind: there must be at most one Proxy; the first is at f.yaml:1'],
  ],
  // shape
  [
    'no metadata and spec',
    'apiVersion: streamgate.dev/v1alpha1\nkind: Gate\n',
    [
      'f.yaml:1:1 metadata: is required: a map with the keys name, namespace, labels, annotations',
      'f.yaml:1:1 spec: is required: a map with the keys hosts, paths, variants, release, analysis, rescue, sticky, overrides, mirror, upstream, hooks',
    ],
  ],
  [
    'name with capitals',
    G.replace('shop', 'Shop') + V1,
    [
      'f.yaml:3:18 metadata.name: must be a name of 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end, not "Shop"',
    ],
  ],
  ['no variants', `${G}  hosts: [a.example]\n`, ['f.yaml:4:1 spec.variants: is required: a list of 1 to 16']],
  [
    'empty variants',
    `${G}  variants: []\n`,
    ['f.yaml:5:13 spec.variants: must be a list of 1 to 16, not an empty list'],
  ],
  [
    'unknown key, near',
    `${G}  hots: [a.example]\n${V1}`,
    [
      'f.yaml:5:3 spec.hots: unknown key; known here: hosts, paths, variants, release, analysis, rescue, sticky, overrides, mirror, upstream, hooks (did you mean hosts?)',
    ],
  ],
  [
    'unknown key, far',
    `${G + V1}  zzz: 1\n`,
    [
      'f.yaml:6:3 spec.zzz: unknown key; known here: hosts, paths, variants, release, analysis, rescue, sticky, overrides, mirror, upstream, hooks',
    ],
  ],
  [
    'key at the wrong level',
    `${G + V + R}  promotion: Swap\n`,
    [
      'f.yaml:7:3 spec.promotion: unknown key; known here: hosts, paths, variants, release, analysis, rescue, sticky, overrides, mirror, upstream, hooks (it belongs to spec.release)',
    ],
  ],
  [
    'proto key',
    `${G + V1}  __proto__: {x: 1}\n`,
    [
      'f.yaml:6:3 spec.__proto__: unknown key; known here: hosts, paths, variants, release, analysis, rescue, sticky, overrides, mirror, upstream, hooks',
    ],
  ],
  [
    'merge key',
    `${G + V1}  <<: {x: 1}\n`,
    [
      'f.yaml:6:3 spec["<<"]: unknown key; known here: hosts, paths, variants, release, analysis, rescue, sticky, overrides, mirror, upstream, hooks',
    ],
  ],
  [
    'host with a port',
    `${G}  hosts: ["shop.example.com:80"]\n${V1}`,
    [
      'f.yaml:5:11 spec.hosts[0]: must be a host name such as shop.example.com or *.example.com, without a port, not "shop.example.com:80"',
    ],
  ],
  [
    'any host',
    `${G}  hosts: ["*"]\n${V1}`,
    [
      'f.yaml:5:11 spec.hosts[0]: must be a host name such as shop.example.com or *.example.com, without a port, not "*" (leave hosts out for any host)',
    ],
  ],
  [
    'one host as a text',
    `${G}  hosts: shop.example.com\n${V1}`,
    ['f.yaml:5:10 spec.hosts: must be a list of 1 to 64, not "shop.example.com" (did you mean [shop.example.com]?)'],
  ],
  [
    'path without slash',
    `${G}  paths: [shop]\n${V1}`,
    ['f.yaml:5:11 spec.paths[0]: must be a path such as /shop, without query and fragment, not "shop"'],
  ],
  [
    'path with query',
    `${G}  paths: ["/shop?x=1"]\n${V1}`,
    ['f.yaml:5:11 spec.paths[0]: must be a path such as /shop, without query and fragment, not "/shop?x=1"'],
  ],
  [
    'weight above 100',
    `${G}  variants:\n    - {name: a, weight: 120, ${U}}\n`,
    ['f.yaml:6:25 spec.variants[0].weight: must be a number from 0 to 100 with up to two decimals, not 120'],
  ],
  [
    'weight with three decimals',
    `${G}  variants:\n    - {name: a, weight: 33.333, ${U}}\n`,
    ['f.yaml:6:25 spec.variants[0].weight: must be a number from 0 to 100 with up to two decimals, not 33.333'],
  ],
  [
    'weight as percent',
    `${G}  variants:\n    - {name: a, weight: 100%, ${U}}\n`,
    [
      'f.yaml:6:25 spec.variants[0].weight: must be a number from 0 to 100 with up to two decimals, not "100%" (did you mean 100?)',
    ],
  ],
  [
    'whenEmpty',
    `${G}  variants: [{name: a, whenEmpty: spil, ${U}}]\n`,
    ['f.yaml:5:35 spec.variants[0].whenEmpty: must be Fail or Spill, not "spil" (did you mean Spill?)'],
  ],
  [
    'url without scheme',
    `${G}  variants: [{name: a, urls: ["127.0.0.1:9001"]}]\n`,
    [
      'f.yaml:5:31 spec.variants[0].urls[0]: must be a URL such as http://127.0.0.1:9001, without query and fragment, not "127.0.0.1:9001"',
    ],
  ],
  [
    'url with a query',
    `${G}  variants: [{name: a, urls: ["http://h:1/?q=1"]}]\n`,
    [
      'f.yaml:5:31 spec.variants[0].urls[0]: must be a URL such as http://127.0.0.1:9001, without query and fragment, not "http://h:1/?q=1"',
    ],
  ],
  [
    'service port',
    `${G}  variants: [{name: a, service: {name: s, port: 0}}]\n`,
    [
      'f.yaml:5:49 spec.variants[0].service.port: must be a whole number from 1 to 65535 or a text of 1 to 15 characters, not 0',
    ],
  ],
  [
    'duration without a unit',
    `${G + V}  release: {serving: a, candidate: b, bake: 60}\n`,
    [
      'f.yaml:6:45 spec.release.bake: must be a duration such as 250ms, 30s or 5m, at most 24 days, not 60 (did you mean 60s?)',
    ],
  ],
  [
    'duration of words',
    `${G + V}  release: {serving: a, candidate: b, stepTimeout: "ten minutes"}\n`,
    [
      'f.yaml:6:52 spec.release.stepTimeout: must be a duration such as 250ms, 30s or 5m, at most 24 days, not "ten minutes"',
    ],
  ],
  [
    'duration too long',
    `${G + V}  release: {serving: a, candidate: b, bake: 1000h}\n`,
    ['f.yaml:6:45 spec.release.bake: must be a duration such as 250ms, 30s or 5m, at most 24 days, not "1000h"'],
  ],
  [
    'duration that cannot be 0',
    `${G + V}  release: {serving: a, candidate: b, readyTimeout: 0s}\n`,
    [
      'f.yaml:6:53 spec.release.readyTimeout: must be a duration above 0 such as 250ms, 30s or 5m, at most 24 days, not "0s"',
    ],
  ],
  [
    'size',
    `${G + V1}  mirror: {maxBodyBytes: 64kb}\n`,
    ['f.yaml:6:26 spec.mirror.maxBodyBytes: must be a size in bytes such as 512, 16Ki or 8Mi, not "64kb"'],
  ],
  [
    'size too large',
    `${P}  limits: {maxBodyBytes: 99999999999Gi}\n`,
    ['f.yaml:5:26 spec.limits.maxBodyBytes: must be a size in bytes such as 512, 16Ki or 8Mi, not "99999999999Gi"'],
  ],
  [
    'boolean as yes',
    `${P}  accessLog: {enabled: yes}\n`,
    ['f.yaml:5:24 spec.accessLog.enabled: must be true or false, not "yes" (did you mean true?)'],
  ],
  [
    'whole number',
    `${P}  limits: {maxHeaders: 10.5}\n`,
    ['f.yaml:5:24 spec.limits.maxHeaders: must be a whole number of 0 or more, not 10.5'],
  ],
  [
    'port',
    `${P}  listeners: [{name: http, port: 80800}]\n`,
    ['f.yaml:5:34 spec.listeners[0].port: must be a whole number from 0 to 65535, not 80800'],
  ],
  [
    'port in quotes',
    `${P}  listeners: [{name: http, port: "8080"}]\n`,
    ['f.yaml:5:34 spec.listeners[0].port: must be a whole number from 0 to 65535, not "8080" (did you mean 8080?)'],
  ],
  [
    'no port',
    `${P}  listeners:\n    - name: http\n`,
    ['f.yaml:6:7 spec.listeners[0].port: is required: a whole number from 0 to 65535'],
  ],
  [
    'workers',
    `${P}  workers: many\n`,
    ['f.yaml:5:12 spec.workers: must be auto or a whole number from 1 to 64, not "many"'],
  ],
  [
    'redirect',
    `${P}  listeners: [{name: http, port: 80, redirect: http}]\n`,
    ['f.yaml:5:48 spec.listeners[0].redirect: must be https, not "http"'],
  ],
  [
    'strategy',
    `${G + V}  release: {serving: a, candidate: b, strategy: Bluegreen}\n`,
    ['f.yaml:6:49 spec.release.strategy: must be Canary or BlueGreen, not "Bluegreen" (did you mean BlueGreen?)'],
  ],
  [
    'confidence',
    `${G + V1}  analysis: {confidence: 1}\n`,
    ['f.yaml:6:26 spec.analysis.confidence: must be a number from 0.5 to below 1, not 1'],
  ],
  [
    'failureOn',
    `${G + V1}  analysis: {failureOn: [4xx]}\n`,
    [
      'f.yaml:6:26 spec.analysis.failureOn[0]: must be 5xx, grpc, connect, reset, timeout, overflow or unavailable, not "4xx" (did you mean 5xx?)',
    ],
  ],
  [
    'harm budget of 0',
    `${G + V1}  analysis: {harmBudget: 0}\n`,
    ['f.yaml:6:26 spec.analysis.harmBudget: must be a whole number from 1 to 1000000000, not 0'],
  ],
  [
    'method',
    `${G + V1}  rescue: {methods: [get]}\n`,
    ['f.yaml:6:22 spec.rescue.methods[0]: must be a method such as GET, in capitals, not "get"'],
  ],
  [
    'cookie name',
    `${G + V1}  sticky: {name: "a b"}\n`,
    ['f.yaml:6:18 spec.sticky.name: must be a name of letters, digits and hyphens, such as sg_bucket, not "a b"'],
  ],
  [
    'text as a number',
    `${G + V}  overrides: [{header: {name: x-v, value: 1}, variant: b}]\n`,
    [
      'f.yaml:6:43 spec.overrides[0].header.value: must be a text of 1 to 4096 characters, not 1 (put it in quotes: "1")',
    ],
  ],
  [
    'annotation',
    'apiVersion: streamgate.dev/v1alpha1\nkind: Gate\nmetadata: {name: shop, annotations: {streamgate.dev/weights: 1}}\nspec:\n' +
      V1,
    ['f.yaml:3:62 metadata.annotations["streamgate.dev/weights"]: must be a text, not 1 (put it in quotes: "1")'],
  ],
  [
    'section as a list',
    `${G + V1}  upstream: []\n`,
    [
      'f.yaml:6:13 spec.upstream: must be a map with the keys timeouts, retries, loadBalancing, healthCheck, outlierEjection, maxRequests, protocol, tls, not an empty list',
    ],
  ],
  [
    'empty list element',
    `${G}  variants:\n    -\n`,
    [
      'f.yaml:6:6 spec.variants[0]: must be a map with the keys name, weight, whenEmpty, urls, service, workload, not empty',
    ],
  ],
  [
    'health check path',
    `${G + V1}  upstream: {healthCheck: {path: healthz}}\n`,
    ['f.yaml:6:34 spec.upstream.healthCheck.path: must be a path such as /healthz, not "healthz"'],
  ],
  [
    'several at once',
    `${G}  hosts: [a b]\n${V}  release:\n    serving: a\n    candidate: c\n    bake: 5\n    pormotion: Swap\n`,
    [
      'f.yaml:5:11 spec.hosts[0]: must be a host name such as shop.example.com or *.example.com, without a port, not "a b"',
      'f.yaml:9:16 spec.release.candidate: must be the name of a variant (a, b), not c',
      'f.yaml:10:11 spec.release.bake: must be a duration such as 250ms, 30s or 5m, at most 24 days, not 5 (did you mean 5s?)',
      'f.yaml:11:5 spec.release.pormotion: unknown key; known here: strategy, serving, candidate, steps, promotion, trigger, readyTimeout, stepTimeout, bake, suspend, scaleDownDelay (did you mean promotion?)',
    ],
  ],
  // rules of a gate
  [
    'weights on some',
    `${G}  variants:\n    - {name: a, weight: 90, ${U}}\n    - {name: b, ${U}}\n`,
    ['f.yaml:7:7 spec.variants[1].weight: is required: the weights given sum to 90, not to 100'],
  ],
  [
    'weights that do not sum',
    `${G}  variants:\n    - {name: a, weight: 90, ${U}}\n    - {name: b, weight: 9.99, ${U}}\n`,
    ['f.yaml:6:5 spec.variants: weights must sum to 100, not 99.99'],
  ],
  [
    'variant given twice',
    `${G}  variants:\n    - {name: a, ${U}}\n    - {name: a, ${U}}\n`,
    ['f.yaml:7:14 spec.variants[1].name: must be unique: a is there already'],
  ],
  [
    'variant without endpoints',
    `${G}  variants: [{name: a}]\n`,
    ['f.yaml:5:14 spec.variants[0]: needs urls or service'],
  ],
  [
    'variant with both',
    `${G}  variants:\n    - {name: a, ${U}, service: {name: s, port: 80}}\n`,
    ['f.yaml:6:48 spec.variants[0].service: cannot stand beside urls: exactly one of them'],
  ],
  [
    'url with an impossible port',
    `${G}  variants: [{name: a, urls: ["http://h:99999"]}]\n`,
    ['f.yaml:5:31 spec.variants[0].urls[0]: must be a URL with a valid host and port'],
  ],
  [
    'url with a password',
    `${G}  variants: [{name: a, urls: ["http://u:secret@h:1"]}]\n`,
    ['f.yaml:5:31 spec.variants[0].urls[0]: must be a URL without user name and password'],
  ],
  [
    'release of one variant',
    `${G + V1}  release: {serving: a, candidate: b}\n`,
    [
      'f.yaml:5:13 spec.variants: must be two or more variants, since spec.release is given',
      'f.yaml:6:36 spec.release.candidate: must be the name of a variant (a), not b',
    ],
  ],
  [
    'unknown serving',
    `${G + V}  release: {serving: stable, candidate: b}\n`,
    ['f.yaml:6:22 spec.release.serving: must be the name of a variant (a, b), not stable'],
  ],
  [
    'same roles',
    `${G + V}  release: {serving: a, candidate: a}\n`,
    ['f.yaml:6:36 spec.release.candidate: must be another variant than serving, which is a too'],
  ],
  [
    'falling steps',
    G +
      V +
      '  release:\n    serving: a\n    candidate: b\n    steps:\n      - {weight: 50}\n      - {weight: 20}\n      - {weight: 100}\n',
    ['f.yaml:11:18 spec.release.steps[1].weight: must be above 50, the weight of the step before, not 20'],
  ],
  [
    'last step',
    `${G + V}  release: {serving: a, candidate: b, steps: [{weight: 5}, {weight: 50}]}\n`,
    [
      'f.yaml:6:69 spec.release.steps[1].weight: must be 100 in the last step, not 50: a release ends with all traffic on the candidate',
    ],
  ],
  [
    'step of 0',
    `${G + V}  release: {serving: a, candidate: b, steps: [{weight: 0}]}\n`,
    ['f.yaml:6:56 spec.release.steps[0].weight: must be a number above 0 up to 100 with up to two decimals, not 0'],
  ],
  [
    'blue-green in steps',
    `${G + V}  release: {strategy: BlueGreen, serving: a, candidate: b, steps: [{weight: 50}, {weight: 100}]}\n`,
    [
      'f.yaml:6:77 spec.release.steps[0].weight: must be 100 with strategy BlueGreen, not 50: all traffic moves at once',
    ],
  ],
  [
    'mirror without a release',
    `${G + V1}  mirror: {percent: 10}\n`,
    ['f.yaml:6:21 spec.mirror.percent: must be 0 without spec.release: it names the candidate that gets the copies'],
  ],
  [
    'sticky header without a name',
    `${G + V1}  sticky: {by: Header}\n`,
    ['f.yaml:6:3 spec.sticky.name: is required with by: Header: the name of the header'],
  ],
  [
    'sticky address with a name',
    `${G + V1}  sticky: {by: ClientIP, name: x}\n`,
    ['f.yaml:6:32 spec.sticky.name: is only for by: Cookie and by: Header'],
  ],
  [
    'ttl of a header',
    `${G + V1}  sticky: {by: Header, name: x-user, ttl: 1h}\n`,
    ['f.yaml:6:43 spec.sticky.ttl: is only for by: Cookie'],
  ],
  [
    'override of nothing',
    `${G + V}  overrides: [{variant: b}]\n`,
    ['f.yaml:6:15 spec.overrides[0]: needs header or cookie'],
  ],
  [
    'override of both',
    `${G + V}  overrides: [{header: {name: x, value: y}, cookie: {name: x, value: y}, variant: b}]\n`,
    ['f.yaml:6:53 spec.overrides[0].cookie: cannot stand beside header: exactly one of them'],
  ],
  [
    'override to an unknown variant',
    `${G + V}  overrides: [{header: {name: x, value: y}, variant: c}]\n`,
    ['f.yaml:6:54 spec.overrides[0].variant: must be the name of a variant (a, b), not c'],
  ],
  [
    'check of nothing',
    `${G + V1}  analysis: {checks: [{name: c}]}\n`,
    ['f.yaml:6:23 spec.analysis.checks[0]: needs webhook or prometheus'],
  ],
  [
    'prometheus without limits',
    `${G + V1}  analysis: {checks: [{name: c, prometheus: {url: "http://p", query: up}}]}\n`,
    ['f.yaml:6:45 spec.analysis.checks[0].prometheus: needs min or max or both'],
  ],
  [
    'prometheus limits crossed',
    `${G + V1}  analysis: {checks: [{name: c, prometheus: {url: "http://p", query: up, min: 2, max: 1}}]}\n`,
    ['f.yaml:6:79 spec.analysis.checks[0].prometheus.min: must be at most max, which is 1, not 2'],
  ],
  [
    'check given twice',
    `${G + V1}  analysis: {checks: [{name: c, webhook: {url: "http://p"}}, {name: c, webhook: {url: "http://p"}}]}\n`,
    ['f.yaml:6:69 spec.analysis.checks[1].name: must be unique: c is there already'],
  ],
  [
    'hook with a password',
    `${G + V1}  hooks: [{phase: BeforeStep, url: "http://u:p@h/x"}]\n`,
    ['f.yaml:6:36 spec.hooks[0].url: must be a URL without user name and password'],
  ],
  [
    'hook phase',
    `${G + V1}  hooks: [{phase: BeforeSteps, url: "http://h/x"}]\n`,
    [
      'f.yaml:6:19 spec.hooks[0].phase: must be BeforeRelease, BeforeStep, AfterStep, BeforePromotion, AfterRelease, OnRollback or OnEvent, not "BeforeSteps" (did you mean BeforeStep?)',
    ],
  ],
  [
    'gate given twice',
    `${G}  paths: [/a]\n${V1}---\n${G}  paths: [/b]\n${V1}`,
    ['f.yaml:10:18 metadata.name: the Gate default/shop is given twice; first at f.yaml:1'],
  ],
  [
    'same host and path',
    G +
      '  hosts: [a.example]\n  paths: [/x]\n' +
      V1 +
      '---\n' +
      G.replace('shop', 'shop2') +
      '  hosts: [A.example]\n  paths: [/y, /x/]\n' +
      V1,
    ['f.yaml:14:15 spec.paths[1]: host A.example with path /x/ belongs to the Gate default/shop already'],
  ],
  [
    'same path of any host',
    `${G + V1}---\n${G.replace('shop', 'shop2')}${V1}`,
    ['f.yaml:10:1 spec.paths[0]: any host with path / belongs to the Gate default/shop already'],
  ],
  // rules of a proxy
  [
    'HTTPS without tls',
    `${P}  listeners: [{name: https, port: 8443, protocol: HTTPS}]\n`,
    ['f.yaml:5:15 spec.listeners[0].tls: is required with protocol: HTTPS'],
  ],
  [
    'HTTP with tls',
    `${P}  listeners: [{name: http, port: 80, tls: {certificates: [{secretRef: {name: x}}]}}]\n`,
    ['f.yaml:5:43 spec.listeners[0].tls: is only for protocol: HTTPS'],
  ],
  [
    'redirect on HTTPS',
    P +
      '  listeners: [{name: https, port: 443, protocol: HTTPS, redirect: https, tls: {certificates: [{secretRef: {name: x}}]}}]\n',
    ['f.yaml:5:67 spec.listeners[0].redirect: is only for protocol: HTTP'],
  ],
  [
    'certificate of nothing',
    `${P}  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificates: [{}]}}]\n`,
    ['f.yaml:5:78 spec.listeners[0].tls.certificates[0]: needs certFile or secretRef'],
  ],
  [
    'listener given twice',
    `${P}  listeners: [{name: http, port: 80}, {name: http, port: 81}]\n`,
    ['f.yaml:5:46 spec.listeners[1].name: must be unique: http is there already'],
  ],
  [
    'port given twice',
    `${P}  listeners: [{name: a, port: 80}, {name: b, host: 10.0.0.1, port: 80}]\n`,
    ['f.yaml:5:68 spec.listeners[1].port: must be another port than that of listener a, which is 80 too'],
  ],
  [
    'port of the admin API',
    `${P}  listeners: [{name: a, port: 8081}]\n`,
    ['f.yaml:4:1 spec.admin.port: must be another port than that of listener a, which is 8081 too'],
  ],
  [
    'CIDR',
    `${P}  trustedProxies: [10.0.0.0/33]\n`,
    ['f.yaml:5:20 spec.trustedProxies[0]: must be a CIDR such as 10.0.0.0/8 or fd00::/8, not 10.0.0.0/33'],
  ],
  [
    'address instead of a CIDR',
    `${P}  trustedProxies: ["10.0.0.1", "::1"]\n`,
    [
      'f.yaml:5:20 spec.trustedProxies[0]: must be a CIDR such as 10.0.0.0/8 or fd00::/8, not 10.0.0.1 (did you mean 10.0.0.1/32?)',
      'f.yaml:5:32 spec.trustedProxies[1]: must be a CIDR such as 10.0.0.0/8 or fd00::/8, not ::1 (did you mean ::1/128?)',
    ],
  ],
  [
    'open admin API',
    `${P}  admin: {host: 0.0.0.0}\n`,
    [
      'f.yaml:5:17 spec.admin.host: must be a loopback address such as 127.0.0.1, not 0.0.0.0, unless tokens or tls.clientCAFile are given',
    ],
  ],
  // files
  [
    'token file missing',
    `${P}  admin: {tokens: [{name: bot, tokenFile: bot.token}]}\n`,
    ['f.yaml:5:43 spec.admin.tokens[0].tokenFile: cannot be read: no such file (bot.token)'],
  ],
  [
    'token too short',
    `${P}  admin: {tokens: [{name: bot, tokenFile: short.token}]}\n`,
    ['f.yaml:5:43 spec.admin.tokens[0].tokenFile: short.token must hold a token of at least 16 characters'],
  ],
  [
    'secret file is empty',
    `${G + V1}  sticky: {secretFile: empty.key}\n`,
    ['f.yaml:6:24 spec.sticky.secretFile: empty.key must hold a secret, and is empty'],
  ],
  [
    'certificate is none',
    P +
      '  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificates: [{certFile: short.token, keyFile: tls.key}]}}]\n',
    ['f.yaml:5:89 spec.listeners[0].tls.certificates[0].certFile: short.token must hold a certificate in PEM'],
  ],
  [
    'key is none',
    P +
      '  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificates: [{certFile: tls.crt, keyFile: short.token}]}}]\n',
    [
      'f.yaml:5:107 spec.listeners[0].tls.certificates[0].keyFile: short.token must hold a private key in PEM, without a password',
    ],
  ],
  [
    'key of another certificate',
    P +
      '  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificates: [{certFile: tls.crt, keyFile: other.key}]}}]\n',
    ['f.yaml:5:107 spec.listeners[0].tls.certificates[0].keyFile: is not the key of tls.crt'],
  ],
  [
    'certificate without key',
    `${P}  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificates: [{certFile: tls.crt}]}}]\n`,
    ['f.yaml:5:78 spec.listeners[0].tls.certificates[0].keyFile: is required with certFile'],
  ],
  [
    'CA file is a folder',
    `${G + V1}  upstream: {tls: {caFile: .}}\n`,
    ['f.yaml:6:28 spec.upstream.tls.caFile: cannot be read: it is a folder (.)'],
  ],
  [
    'health check over HTTP/2',
    `${G + V1}  upstream: {protocol: HTTP2, healthCheck: {path: /}}\n`,
    [
      'f.yaml:6:44 spec.upstream.healthCheck: cannot stand beside protocol: HTTP2: checks speak HTTP/1.1 and would take every endpoint out; outlierEjection works with both',
    ],
  ],
]
