import { type TunlError, usageError } from '../core/errors.ts';
import type { TlsSettings } from '../core/hop.ts';
import type { Secret } from '../core/secret.ts';
import { readPasswordFile } from '../words/password-file.ts';
import { formatSource, type PemSource } from './source.ts';

/** The source of the password of an encrypted key. */
export type PasswordSource = Pick<TlsSettings, 'keyPasswordFile' | 'keyPassword'>;

/**
 * Finds the password of a key: in the file that was named for it, or wherever else there is one.
 * @throws {TunlError} usage, when there is none
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
  throw usageError(
    `${formatSource(source)} is encrypted`,
    'its password is taken from TUNL_KEY_PASSWORD or --key-password-file; in a file, from key-password',
  );
}

/** The failure of a password that does not open a key; what it is stays unsaid. */
export function wrongPassword(source: PemSource, from: string, cause?: unknown): TunlError {
  return usageError(`${formatSource(source)} does not open with the password from ${from}`).with({ cause });
}
