import Type from 'typebox'
import {
  type Bytes,
  DURATION,
  formatDuration,
  formatSize,
  MAX_DURATION_MS,
  MAX_SIZE_BYTES,
  type Milliseconds,
  POSITIVE_DURATION,
  parseDuration,
  parseSize,
  SIZE,
} from '../units.ts'

/** The words that the schemas of the documents are made of. */

export const API_VERSION = 'streamgate.dev/v1alpha1'

/** A duration; its options may have another pattern. */
export const DurationText = (options: object) =>
  Type.Codec(
    Type.Refine(Type.String({ pattern: DURATION, unit: 'duration', ...options }), shortEnough, () => 'too long'),
  )
    .Decode((text): Milliseconds => parseDuration(text))
    .Encode((ms) => formatDuration(ms))
const shortEnough = (text: string): boolean => !RegExp(DURATION).test(text) || parseDuration(text) <= MAX_DURATION_MS
/** What 0 means stands in the description. */
export const duration = (description: string, byDefault: string) => DurationText({ description, default: byDefault })
/** A duration that cannot be 0. */
export const positive = (description: string, byDefault: string) =>
  DurationText({ pattern: POSITIVE_DURATION, description, default: byDefault })

/** A number of bytes; what 0 means stands in the description. */
export const size = (description: string, byDefault: string | number) =>
  Type.Codec(
    Type.Refine(
      Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: SIZE })], {
        unit: 'size',
        description,
        default: byDefault,
      }),
      (value) => !RegExp(SIZE).test(String(value)) || parseSize(value) <= MAX_SIZE_BYTES,
      () => 'too large',
    ),
  )
    .Decode((value): Bytes => parseSize(value))
    .Encode((bytes) => formatSize(bytes))

/** A number 0-100 with up to two decimals. */
export const percent = (description: string, options: object = {}) =>
  Type.Number({ minimum: 0, maximum: 100, multipleOf: 0.01, description, ...options })
/** A whole number of 0 or more. */
export const integer = (description: string, byDefault: number, options: object = {}) =>
  Type.Integer({ minimum: 0, maximum: 2_147_483_647, description, default: byDefault, ...options })
/** One of a few words. */
export const oneOf = <const T extends string[]>(description: string, values: [...T], byDefault?: T[number]) =>
  Type.Enum(values, byDefault === undefined ? { description } : { description, default: byDefault })
/** true or false. */
export const flag = (description: string, byDefault: boolean) => Type.Boolean({ description, default: byDefault })

/** An object without unknown keys. */
export const object = <P extends Parameters<typeof Type.Object>[0]>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options })
/** An object that may be left out: its defaults apply. */
export const section = <P extends Parameters<typeof Type.Object>[0]>(description: string, properties: P) =>
  object(properties, { description, default: {} })

/** The patterns of texts; what each means in words stands in words.ts. Without lookahead: Go's regexp checks them too. */
export const NAME = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'
export const URL_PREFIX = '^https?://[^/?#\\s]+(/[^?#\\s]*)?$'
export const URL_ANY = '^https?://\\S+$'
export const HOST = '^(\\*\\.)?[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$'
export const PATH_PREFIX = '^/[^?#\\s]*$'
export const PATH = '^/[^\\s]*$'
export const METHOD = '^[A-Z]{1,20}$'
export const TOKEN = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"
/** A DNS label. */
export const name = (description: string) => Type.String({ pattern: NAME, description })
/** A text that is not empty. */
export const text = (description: string, options: object = {}) =>
  Type.String({ minLength: 1, maxLength: 4096, description, ...options })

const notes = {
  labels: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Labels; not used by StreamGate.' })),
  annotations: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'Annotations; `streamgate.dev/weights` sets weights by hand in a cluster.',
    }),
  ),
}
/** A Proxy has no namespace: it is always a file. */
export const ProxyMetadata = object({ name: name('Name, a DNS label.'), ...notes })
/** Standard object metadata. */
export const GateMetadata = object({
  name: name('Name, a DNS label.'),
  namespace: Type.String({ pattern: NAME, description: 'Namespace.', default: 'default' }),
  ...notes,
})
