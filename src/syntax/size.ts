import { usageError } from '../core/errors.ts';
import { quote } from './text.ts';

const unitBytes = { '': 1, K: 1024, KiB: 1024, M: 1024 * 1024, MiB: 1024 * 1024 } as const;

/**
 * Reads a size into bytes: `65536`, `64KiB` or `64K`, `1MiB` or `1M`.
 * @throws {TunlError} usage
 */
export function parseSize(text: string, option: string): number {
  const [, amount, unit] = /^(\d{1,9})(|K|KiB|M|MiB)$/.exec(text) ?? [];
  if (amount !== undefined) return Number(amount) * unitBytes[unit as keyof typeof unitBytes];
  throw usageError(`${option}: ${quote(text)} is not a size`, 'sizes are written 65536, 64KiB or 1MiB');
}

/** Writes a size in the form that `parseSize` reads. */
export function formatSize(bytes: number): string {
  if (bytes > 0 && bytes % unitBytes.MiB === 0) return `${bytes / unitBytes.MiB}MiB`;
  return bytes > 0 && bytes % unitBytes.KiB === 0 ? `${bytes / unitBytes.KiB}KiB` : String(bytes);
}
