/** Questions about addresses as they stand in a configuration. Pure. */

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/

/** 4, 6, or 0 for anything else. */
export function ipVersion(text: string): 0 | 4 | 6 {
  if (IPV4.test(text)) return 4
  return /^[0-9a-fA-F:.]+$/.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`) ? 6 : 0
}

/** `10.0.0.0/8`, `fd00::/8`. */
export function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  const version = ipVersion(address)
  return version !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)
}

/** Only programs on the same machine reach it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (ipVersion(host) === 4 && host.startsWith('127.'))

/** Every address of the machine. */
export const isAny = (host: string | undefined): boolean => host === undefined || host === '0.0.0.0' || host === '::'
