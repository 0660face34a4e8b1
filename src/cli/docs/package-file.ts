import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { single } from '../../core/program.ts';
import { TunlError } from '../../core/errors.ts';

/**
 * Reads a text that is shipped with the program, by its path in the package: from its folder, or in the single
 * executable from what that contains.
 * @throws {TunlError} internal, if it is not there
 */
export async function readPackageFile(path: string): Promise<string> {
  try {
    if (single) return new TextDecoder().decode(single.getRawAsset(path));
    return await readFile(join(findPackage(), path), 'utf8');
  } catch (error) {
    throw new TunlError('internal', `${path} of the package cannot be read`, { side: 'self', cause: error });
  }
}

/** The program may run from dist/ or from its sources, which lie deeper. */
function findPackage(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
