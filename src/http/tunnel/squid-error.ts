/** What squid means by the names in `X-Squid-Error`, as far as a CONNECT can meet them. */
const meanings: Readonly<Record<string, string>> = {
  ERR_ACCESS_DENIED: 'its rules do not allow it',
  ERR_CACHE_ACCESS_DENIED: 'it wants to know who asks',
  ERR_CANNOT_FORWARD: 'it found no way there',
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

/** What every page of squid's begins with; the reason is behind it. */
const preamble =
  /^ERROR (?:The requested URL could not be retrieved )?(?:(?:Cache )?Access Denied\. )?The following error was encountered while trying to retrieve the URL: \S+ /;

/** The text of a page of squid's from the reason on; any other text as it is. */
export function trimSquidPage(text: string): string {
  return text.replace(preamble, '');
}

/** What `NAME NUMBER` in an `X-Squid-Error` field says, in words; undefined for names that we do not know. */
export function explainSquidError(value: string): string | undefined {
  const [name = '', number = ''] = value.split(' ');
  const meaning = Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  const cause = Object.hasOwn(systemErrors, number) ? systemErrors[number] : undefined;
  return meaning === undefined || cause === undefined ? meaning : `${meaning}: ${cause}`;
}
