import { resolve } from 'node:path';
import * as z from 'zod';
import { usageError } from '../../core/errors.ts';
import type { TlsSettings } from '../../core/hop.ts';
import { parseTls, type TlsConfig } from '../../syntax/tls.ts';
import { describe, flag, keyPassword, must, text } from './schema-parts.ts';
import { fillVariables, readKeyPassword, type SecretSources, type Surroundings } from './secrets.ts';

const settings = z.strictObject({
  cacert: describe(text.optional(), 'trust these authorities, a PEM file, instead of those of Node and the system'),
  cert: describe(text.optional(), 'our certificate, a PEM file or PKCS #12'),
  key: describe(text.optional(), 'its key, a PEM file; the file of cert without'),
  'key-password': keyPassword,
  servername: describe(text.optional(), 'the name to send and to verify'),
  pin: describe(text.optional(), 'trust this key alone: sha256/…'),
  insecure: describe(flag.optional(), 'accept any certificate'),
  'no-system-ca': describe(flag.optional(), "trust the authorities of Node alone, without the system's"),
});

/** The schema of the TLS that is spoken with a target: `true`, or its settings. */
export const targetTls = z.union(
  [z.literal(true), settings],
  must('true, or cacert, cert, key, key-password, servername, pin, insecure and no-system-ca'),
);

/** The TLS that is spoken with a target, as it is written. */
export type TargetTlsConfig = z.infer<typeof targetTls>;

/**
 * Reads the TLS that is spoken with a target. Its files are read later.
 * @throws {TunlError} usage, with `name` in front
 */
export function readTargetTls(
  words: TargetTlsConfig,
  name: string,
  reader: Surroundings & { readonly sources: SecretSources },
): TlsSettings {
  if (words === true) return {};
  const { insecure = false, 'no-system-ca': noSystemCa = false, 'key-password': password, ...texts } = words;
  const filled = Object.entries(texts).flatMap(([key, text]) => {
    if (text === undefined) return [];
    const value = fillVariables(text, reader);
    return [[key, key === 'servername' || key === 'pin' ? value : resolve(reader.folder, value)] as const];
  });
  const switches: TlsConfig = { ...(insecure && { insecure: true }), ...(noSystemCa && { 'no-system-ca': true }) };
  if (password !== undefined && texts.cert === undefined) throw usageError('key-password needs cert');
  const tls = parseTls({ ...Object.fromEntries(filled), ...switches }, name);
  return { ...tls, ...readKeyPassword(password, reader, reader.sources) };
}

const scheme = 'tls://';

/** Takes `tls://` off a target; undefined if it does not begin so. */
export function withoutTls(target: string): string | undefined {
  return target.startsWith(scheme) ? target.slice(scheme.length) : undefined;
}

/** Puts `tls://` before a target. */
export function withTls(target: string): string {
  return scheme + target;
}
