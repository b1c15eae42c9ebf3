/** All values of a header, in order, joined by `, `; '' for none. `name` in lower case. */
export declare function joinedHeader(raw: readonly string[], name: string): string
