/** Which bytes may stand where (RFC 9110, 5). Strings are latin1: one character a byte. */

const TOKEN = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[char.charCodeAt(0)] = 1
}

/** True for a non-empty token: a method or a field name. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    // A character beyond latin1 reads past the table: undefined, no token.
    if (TOKEN[text.charCodeAt(i)] !== 1) return false
  }
  return text.length > 0
}

/** True for a field value without control bytes but tab; bytes from 0x80 (obs-text) pass. */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false
  }
  return true
}

/** True for a value that may go to a client: only NUL, CR and LF can break an answer apart; what else is odd passes. */
export function isSafeValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x0e && (code === 0x00 || code === 0x0a || code === 0x0d)) return false
    if (code > 0xff) return false
  }
  return true
}

/** True for 1 to `max` visible ASCII characters. */
export function isVisible(text: string, max: number): boolean {
  if (text.length === 0 || text.length > max) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x21 || code > 0x7e) return false
  }
  return true
}
