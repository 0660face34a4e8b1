/** First bytes of messages: the version of the protocol, of its login (RFC 1929), and of answers in SOCKS 4. */
export const versions = { socks5: 0x05, socks4: 0x04, login: 0x01, socks4Answer: 0x00 } as const;

/** Ways to log on in SOCKS 5 (RFC 1928, section 3). */
export const methods = { none: 0x00, password: 0x02, unacceptable: 0xff } as const;

/** Kinds of addresses in SOCKS 5 (RFC 1928, section 5). */
export const addressTypes = { ipv4: 0x01, name: 0x03, ipv6: 0x04 } as const;

/** The command that opens a tunnel, in both versions. */
export const connectCommand = 0x01;

/** The most bytes of a text whose length stands in one byte. */
export const maxTextBytes = 255;

/** The answers of SOCKS 5 to a request that a server chooses by itself (RFC 1928, section 6); the table of errors has the others. */
export const answers5 = { succeeded: 0x00, failed: 0x01, noSuchCommand: 0x07, noSuchAddress: 0x08 } as const;

/** The answers of SOCKS 4 to a request. */
export const answers4 = { granted: 0x5a, rejected: 0x5b } as const;
