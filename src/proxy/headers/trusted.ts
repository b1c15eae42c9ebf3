/** A set of networks. */
export interface Networks {
  has(address: string): boolean
}

/** Compiles CIDRs (or single addresses), IPv4 and IPv6; throws on one that is neither. */
export declare function compileNetworks(cidrs: readonly string[]): Networks

/** `::ffff:10.0.0.1` -> `10.0.0.1`, without zone; others as they are, '' for undefined (unix sockets). */
export declare function canonicalAddress(address: string | undefined): string

/** The right-most address that is not trusted: `peer` itself, or one of X-Forwarded-For (all lines joined by a comma). */
export declare function clientAddress(peer: string, forwardedFor: string, trusted: Networks): string
