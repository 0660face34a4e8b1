import { closeSync, fstatSync, openSync } from 'node:fs';

/**
 * Closes stdout, so that its reader sees the end while the process goes on. Node itself never closes it:
 * `process.stdout.end()` leaves the descriptor of a pipe open until the exit.
 */
export function closeStdout(stdout: NodeJS.WriteStream): void {
  if (stdout.isTTY) return;
  if (isOneSocket()) {
    // As with inetd: a shutdown ends only one direction.
    stdout.end();
    return;
  }
  // Not a shutdown: a socket may be the stdout of others too, such as the next commands of a script.
  closeSync(1);
  // The next socket must not get descriptor 1: output for stdout would go there.
  openSync('/dev/null', 'w');
}

/** True if stdin and stdout are one Unix socket, as ssh makes it for a ProxyCommand that should pass a descriptor. */
export function isOneUnixSocket(stdin: NodeJS.ReadStream): boolean {
  return isOneSocket() && stdin.remoteAddress === undefined;
}

function isOneSocket(): boolean {
  const [one, other] = [fstatSync(0), fstatSync(1)];
  return one.isSocket() && one.ino === other.ino && one.dev === other.dev;
}
