import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import type { Socket } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** The temporary folder of this test process. It is gone soon after the process has ended, however it ended. */
export const workspace: string = mkdtempSync(join(tmpdir(), 'tunlinterop'));
// Parts that give up root, such as squid, must get through it to their own folders.
chmodSync(workspace, 0o711);
// This process and the programs that it starts put their temporary files there too.
process.env['TMPDIR'] = workspace;

/** The last part of the folder's name: unlike any other on this machine, letters and digits only. */
export const workspaceName: string = basename(workspace);

// The guard reads lists of process groups until this process is gone, killed ones included, and then
// ends the groups of the last list. Some programs leave shared memory behind when they are killed.
const guardScript = `
  trap '' HUP INT TERM
  groups=
  while read -r line; do groups=$line; done
  for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
  rm -f "/dev/shm/$2"*
  rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
`;
const guard = spawn('/bin/sh', ['-c', guardScript, 'guard', workspace, workspaceName], {
  stdio: ['pipe', 'ignore', 'ignore'],
  detached: true,
});
guard.unref();
(guard.stdin as Socket).unref();

const groups = new Set<number>();

/** Hands a process group over to the guard. */
export function guardGroup(group: number): void {
  groups.add(group);
  tellGuard();
}

/** Takes a process group back from the guard, once it is gone. */
export function releaseGroup(group: number): void {
  groups.delete(group);
  tellGuard();
}

function tellGuard(): void {
  guard.stdin.write(`${[...groups].join(' ')}\n`);
}

/** The folder that stays from one run to the next: it has the programs of setup.sh, and files that are slow to make. */
export const cacheFolder: string = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tunl-interop');

let folders = 0;

/** Makes a folder of its own in the workspace, open to programs that run as another user. */
export function makeFolder(name: string): string {
  const folder = join(workspace, `${name}-${++folders}`);
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  return folder;
}
