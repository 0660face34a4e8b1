import type { TlsSettings } from '../../core/hop.ts';
import type { TargetTlsConfig } from '../read/target-tls.ts';
import type { SecretNames } from '../read/secret-names.ts';
import { escapeVariables } from '../read/secrets.ts';

/** Writes the TLS that is spoken with a target as in a file: `true` if it has no settings. */
export function toTargetTlsConfig(tls: TlsSettings, names: SecretNames): TargetTlsConfig {
  const texts = (['cacert', 'cert', 'key', 'servername', 'pin'] as const).flatMap((name) =>
    tls[name] === undefined || (name === 'key' && tls.key === tls.cert) ? [] : [[name, escapeVariables(tls[name])]],
  );
  const words = {
    ...Object.fromEntries(texts),
    ...names.ofKey(tls),
    ...(tls.insecure && { insecure: true }),
    ...(tls.noSystemCa && { 'no-system-ca': true }),
  };
  return Object.keys(words).length === 0 || words;
}
