import type { X509Certificate } from 'node:crypto';

/** One subject alternative name: `{ type: 'DNS', value: 'a.example' }`, `URI`, `IP Address`, … */
export interface AltName {
  readonly type: string;
  readonly value: string;
}

/**
 * Splits subject alternative names in Node's spelling: `DNS:a.example, URI:"odd, value"`. A value with a comma or a
 * quote is a JSON string there, so that it cannot pass for two names.
 */
export function parseAltNames(text: string | undefined): AltName[] {
  const pattern = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;
  return Array.from((text ?? '').matchAll(pattern), ([, type = '', value = '']) => ({
    type,
    value: value.startsWith('"') ? unquote(value) : value,
  }));
}

/** Writes a subject or issuer on one line: `CN=proxy, O=Example`. OpenSSL has escaped control characters in it. */
export function formatName(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

/** The common name, if there is exactly one. */
export function commonName({ subject }: X509Certificate): string | undefined {
  const names = (subject ?? '').split('\n').filter((line) => line.startsWith('CN='));
  return names.length === 1 ? names[0]?.slice('CN='.length) || undefined : undefined;
}

/** Lists the hosts of a certificate for a message: at most eight, then `…`. */
export function listHosts(certificate: X509Certificate): string {
  const named = parseAltNames(certificate.subjectAltName)
    .filter(({ type }) => type === 'DNS' || type === 'IP Address')
    .map(({ value }) => value);
  const hosts = named.length > 0 ? named : [commonName(certificate) ?? []].flat();
  if (hosts.length === 0) return 'no host';
  const shown = hosts.slice(0, 8).map((host) => host.replaceAll(/[^\x21-\x7e]/g, '?'));
  return [...shown, ...(hosts.length > shown.length ? ['…'] : [])].join(', ');
}

function unquote(value: string): string {
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
