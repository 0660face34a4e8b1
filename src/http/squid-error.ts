/** What squid means by the names in `X-Squid-Error`, as far as a CONNECT can meet them. */
const meanings: Readonly<Record<string, string>> = {
  ERR_ACCESS_DENIED: 'its rules do not allow it',
  ERR_CACHE_ACCESS_DENIED: 'it wants to know who asks',
  ERR_CANNOT_FORWARD: 'its rules leave no way there',
  ERR_CONNECT_FAIL: 'it could not connect there',
  ERR_DNS_FAIL: 'it cannot resolve the name',
  ERR_INVALID_URL: 'it does not take that for a target',
  ERR_LIFETIME_EXP: 'the connection was open for too long',
  ERR_READ_TIMEOUT: 'nothing came from there in time',
  ERR_SECURE_CONNECT_FAIL: 'its TLS handshake there failed',
  ERR_SHUTTING_DOWN: 'it is stopping',
  ERR_SOCKET_FAILURE: 'it has no socket left',
  ERR_TOO_BIG: 'the request is too large for it',
};

/** System errors by the numbers that Linux and squid give them. */
const systemErrors: Readonly<Record<string, string>> = {
  101: 'network is unreachable',
  110: 'no answer',
  111: 'connection refused',
  113: 'no route to host',
};

/** What `NAME NUMBER` in an `X-Squid-Error` field says, in words; undefined for names that we do not know. */
export function explainSquidError(value: string): string | undefined {
  const [name = '', number = ''] = value.split(' ');
  const meaning = Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  const cause = Object.hasOwn(systemErrors, number) ? systemErrors[number] : undefined;
  return meaning === undefined || cause === undefined ? meaning : `${meaning}: ${cause}`;
}
