import { cpSync, existsSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, makeFolder } from './workspace.ts';

const dist: string = fileURLToPath(new URL('../../../dist', import.meta.url));
const installed = join(cacheFolder, 'koffi/node_modules');

/** False where setup.sh could not install koffi. */
export const hasKoffi: boolean = existsSync(join(installed, 'koffi'));

/** Copies the built program to a folder in which it finds koffi, or does not find it. Returns its path. */
export function copyProgram(withKoffi: boolean): string {
  const folder = makeFolder(withKoffi ? 'with-koffi' : 'without-koffi');
  cpSync(dist, join(folder, 'dist'), { recursive: true });
  cpSync(join(dirname(dist), 'package.json'), join(folder, 'package.json'));
  if (withKoffi) symlinkSync(installed, join(folder, 'node_modules'));
  return join(folder, 'dist/main.js');
}
