import { open } from 'node:fs/promises';
import { maxFileBytes } from '../../chain/read/document.ts';
import { usageError } from '../../core/errors.ts';
import { describeFileError } from '../../syntax/password-file.ts';
import { quote } from '../../syntax/text.ts';

/**
 * Reads the text of a chain file, up to the largest size allowed; the file may be a pipe.
 * @throws {TunlError} usage, if it cannot be read, is too long or is not UTF-8
 */
export async function readChainText(path: string): Promise<string> {
  const bytes = await readBytes(path).catch((error: unknown) => {
    throw usageError(`cannot read ${quote(path)}: ${describeFileError(error)}`);
  });
  if (bytes.length > maxFileBytes) throw usageError(`${path} has more than ${maxFileBytes} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const { line, column } = findBroken(bytes);
    throw usageError(`${path}:${line}:${column}: this is not UTF-8`, 'save the file in UTF-8');
  }
}

/** Reads at most one byte more than a file may have, because an endless file must not be read to its end. */
async function readBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(maxFileBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** Finds the line and column of the first byte that belongs to no character. */
function findBroken(bytes: Buffer): { readonly line: number; readonly column: number } {
  const sound = new TextDecoder().decode(bytes, { stream: true }).split('\uFFFD', 1)[0] ?? '';
  const lines = sound.split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
