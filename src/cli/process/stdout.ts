import { closeSync, fstatSync, openSync } from 'node:fs';

/**
 * Closes stdout, so that its reader sees the end while the process goes on. Node itself never closes it:
 * `process.stdout.end()` leaves the descriptor of a pipe open until the exit.
 */
export function closeStdout(stdout: NodeJS.WriteStream): void {
  if (stdout.isTTY) return;
  if (fstatSync(1).isSocket()) {
    // stdin may be the same socket, as with inetd: a shutdown ends only one direction.
    stdout.end();
    return;
  }
  closeSync(1);
  // The next socket must not get descriptor 1: output for stdout would go there.
  openSync('/dev/null', 'w');
}

/** True if stdin and stdout are one Unix socket, as ssh makes it for a ProxyCommand that should pass a descriptor. */
export function isOneUnixSocket(stdin: NodeJS.ReadStream): boolean {
  const [one, other] = [fstatSync(0), fstatSync(1)];
  if (!one.isSocket() || one.ino !== other.ino || one.dev !== other.dev) return false;
  return stdin.remoteAddress === undefined;
}
