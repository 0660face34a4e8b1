import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CertFiles } from './origin.ts';
import { type Part, startPart } from './part.ts';

/**
 * Starts a web server with a package for npm (`/npm/parcel`), one for pip (`/pip/parcel/`), a repository for git
 * (`/parcel.git`) and a page (`/`), with TLS where files are given. It names itself `localhost`.
 */
export function startRegistry(tls?: CertFiles): Promise<Part> {
  const script = fileURLToPath(new URL('files.mjs', import.meta.url));
  return startPart('registry', (port, folder) => {
    const root = join(folder, 'root');
    for (const path of ['npm', 'pip/parcel']) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, 'index.html'), 'a page\n');
    packForNpm(join(root, 'npm'), `${tls ? 'https' : 'http'}://localhost:${port}/npm`);
    packForPip(join(root, 'pip/parcel'));
    makeRepository(root);
    return { file: process.execPath, args: [script, String(port), root, ...(tls ? [tls.cert, tls.key] : [])] };
  });
}

function packForNpm(folder: string, url: string): void {
  mkdirSync(join(folder, 'package'));
  writeFileSync(join(folder, 'package/package.json'), JSON.stringify({ name: 'parcel', version: '1.0.0' }));
  writeFileSync(join(folder, 'package/index.js'), 'module.exports = "delivered";\n');
  execute('tar', ['-czf', 'parcel.tgz', 'package'], folder);
  const integrity = `sha512-${createHash('sha512')
    .update(readFileSync(join(folder, 'parcel.tgz')))
    .digest('base64')}`;
  const version = { name: 'parcel', version: '1.0.0', dist: { tarball: `${url}/parcel.tgz`, integrity } };
  const versions = { '1.0.0': version };
  writeFileSync(join(folder, 'parcel'), JSON.stringify({ name: 'parcel', 'dist-tags': { latest: '1.0.0' }, versions }));
}

/** The package for pip, as it is stored. */
export const wheelName = 'parcel-1.0-py3-none-any.whl';

function packForPip(folder: string): void {
  const info = join(folder, 'parcel-1.0.dist-info');
  mkdirSync(info);
  writeFileSync(join(folder, 'parcel.py'), 'said = "delivered"\n');
  writeFileSync(join(info, 'METADATA'), 'Metadata-Version: 2.1\nName: parcel\nVersion: 1.0\n');
  writeFileSync(join(info, 'WHEEL'), 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n');
  writeFileSync(join(info, 'RECORD'), 'parcel.py,,\n');
  execute('python3', ['-m', 'zipfile', '-c', wheelName, 'parcel.py', 'parcel-1.0.dist-info'], folder);
  writeFileSync(join(folder, 'index.html'), `<a href="${wheelName}">${wheelName}</a>`);
}

/** Makes a bare repository that can be handed out as files. */
function makeRepository(root: string): void {
  const script = `
    git init -q -b main work && cd work
    echo delivered > parcel && git add parcel
    git -c user.name=test -c user.email=test@test.invalid commit -qm first
    cd .. && git clone -q --bare work parcel.git && git -C parcel.git update-server-info
  `;
  execute('sh', ['-ec', script], root);
}

function execute(file: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`);
}
