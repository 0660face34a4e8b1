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

/** True where stdin and stdout are one Unix socket, as ssh makes it for a ProxyCommand that is to pass a descriptor. */
export function isOneUnixSocket(stdin: NodeJS.ReadStream): boolean {
  const [one, other] = [fstatSync(0), fstatSync(1)];
  if (!one.isSocket() || one.ino !== other.ino || one.dev !== other.dev) return false;
  return stdin.remoteAddress === undefined;
}
