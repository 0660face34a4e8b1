/** The meanings of the names in `X-Squid-Error` that a CONNECT can cause. */
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

/** System errors by the numbers that Linux and squid use. */
const systemErrors: Readonly<Record<string, string>> = {
  101: 'network is unreachable',
  110: 'no answer',
  111: 'connection refused',
  113: 'no route to host',
};

/** The text at the beginning of every page from squid; the reason follows it. */
const preamble =
  /^ERROR (?:The requested URL could not be retrieved )?(?:(?:Cache )?Access Denied\. )?The following error was encountered while trying to retrieve the URL: \S+ /;

/** Returns the text of a page from squid, starting with the reason; returns any other text unchanged. */
export function trimSquidPage(text: string): string {
  return text.replace(preamble, '');
}

/** Explains the value `NAME NUMBER` of an `X-Squid-Error` field in words; returns undefined for unknown names. */
export function explainSquidError(value: string): string | undefined {
  const [name = '', number = ''] = value.split(' ');
  const meaning = Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  const cause = Object.hasOwn(systemErrors, number) ? systemErrors[number] : undefined;
  return meaning === undefined || cause === undefined ? meaning : `${meaning}: ${cause}`;
}
