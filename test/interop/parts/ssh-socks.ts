import { type Part, startPart } from '../support/part.ts';
import { formatSshOptions } from '../support/ssh.ts';
import type { Sshd } from './sshd.ts';

/** Starts ssh -D, which speaks SOCKS4, 4a and 5 and opens its tunnels from where the ssh server is. */
export function startSshSocks(sshd: Sshd): Promise<Part> {
  const settings = ['ExitOnForwardFailure=yes'];
  return startPart('ssh -D', (port) => ({
    file: 'ssh',
    args: [
      '-N',
      '-D',
      `127.0.0.1:${port}`,
      '-p',
      String(sshd.port),
      ...formatSshOptions(sshd, { settings }),
      `${sshd.user}@127.0.0.1`,
    ],
  }));
}
