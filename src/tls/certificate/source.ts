import { type TunlError, usageError } from '../../core/errors.ts';
import type { X509Certificate } from 'node:crypto';

/** A file as the user named it: by an option or setting, and with a path. */
export interface PemSource {
  readonly option: string;
  readonly path: string;
}

/** Names the file in a message: `cacert "/etc/ssl/ca.pem"`. */
export function formatSource({ option, path }: PemSource): string {
  return `${option} ${JSON.stringify(path)}`;
}

/** Our certificate with its chain, and its key. */
export interface OwnCertificate {
  readonly cert: string;
  readonly key: string;
  readonly leaf: X509Certificate;
}

/** Makes the error of a file that cannot be used. */
export function sourceError({ path }: PemSource, message: string, ...hints: readonly string[]): TunlError {
  return usageError(message, ...hints).with({ file: path });
}
