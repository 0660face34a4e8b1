import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { type Part, startPart } from '../support/part.ts';
import { cacheFolder } from '../support/workspace.ts';

/** The first Go whose servers speak HTTP/2 in cleartext. */
const oldestMinor = 24;

/** False where there is no Go, or an old one: setup.sh does not install it. */
export const hasGo: boolean = findGo();

function findGo(): boolean {
  const [, minor] = /go1\.(\d+)/.exec(spawnSync('go', ['version'], { encoding: 'utf8' }).stdout ?? '') ?? [];
  return Number(minor) >= oldestMinor;
}

/** Starts a proxy of Go's own HTTP/2 server, which ends a tunnel as soon as the target has. */
export function startGoProxy(): Promise<Part> {
  const source = fileURLToPath(new URL('go-proxy.go', import.meta.url));
  return startPart('go', (port, folder) => {
    const file = join(folder, 'go-proxy');
    // Go compiles its own library first, which takes a minute; the cache keeps the result.
    const env = { ...process.env, GOCACHE: join(cacheFolder, 'go'), GOTOOLCHAIN: 'local', GO111MODULE: 'off' };
    const { status, stderr } = spawnSync('go', ['build', '-o', file, source], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`go build: ${stderr}`);
    return { file, args: [`127.0.0.1:${port}`] };
  });
}
