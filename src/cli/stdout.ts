import { closeSync, fstatSync, openSync } from 'node:fs';

/**
 * Closes stdout so that its reader sees the end while the process goes on. Node itself never closes
 * it: `process.stdout.end()` leaves the descriptor of a pipe open until the exit.
 */
export function closeStdout(stdout: NodeJS.WriteStream): void {
  if (stdout.isTTY) return;
  if (fstatSync(1).isSocket()) {
    // stdin may be the same socket, as inetd sets it up: only a shutdown ends one direction of it.
    stdout.end();
    return;
  }
  closeSync(1);
  // The number 1 must not become the next socket's: what is written to stdout would go there.
  openSync('/dev/null', 'w');
}
