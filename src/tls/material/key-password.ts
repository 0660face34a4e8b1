import type { TunlError } from '../../core/errors.ts';
import type { TlsSettings } from '../../core/hop.ts';
import type { Secret } from '../../core/secret.ts';
import { readPasswordFile } from '../../syntax/password-file.ts';
import { formatSource, type PemSource, sourceError } from '../certificate/source.ts';

/** The source of the password for an encrypted key. */
export type PasswordSource = Pick<TlsSettings, 'keyPasswordFile' | 'keyPassword'>;

/**
 * Finds the password of a key: in the file that was named for it, or else by asking its `KeyPassword`.
 * @throws {TunlError} usage, if there is none
 */
export async function findPassword(
  source: PemSource,
  { keyPasswordFile, keyPassword }: PasswordSource,
): Promise<{ readonly password: Secret; readonly from: string }> {
  if (keyPasswordFile !== undefined) {
    return { password: readPasswordFile(keyPasswordFile), from: JSON.stringify(keyPasswordFile) };
  }
  const found = await keyPassword?.find(formatSource(source));
  if (found) return found;
  throw sourceError(
    source,
    `${formatSource(source)} is encrypted`,
    'its password is taken from TUNL_KEY_PASSWORD or --key-password-file; in a file, from key-password',
  );
}

/** Makes the error for a password that does not open a key. It names the source, never the password. */
export function wrongPassword(source: PemSource, from: string, cause?: unknown): TunlError {
  return sourceError(source, `${formatSource(source)} does not open with the password from ${from}`).with({ cause });
}
