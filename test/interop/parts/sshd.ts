import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Part, startPart } from '../support/part.ts';
import { run } from '../support/process.ts';

/** An OpenSSH server that lets one key in, as the user who runs the tests. */
export interface Sshd extends Part {
  readonly user: string;
  /** The private key that it accepts. */
  readonly keyFile: string;
}

/** Starts sshd with keys of its own. */
export async function startSshd(): Promise<Sshd> {
  // If root runs sshd, it insists on this folder, which the system's own service makes at its start.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  let keyFile = '';
  const part = await startPart('sshd', async (port, folder) => {
    keyFile = await makeKey(join(folder, 'client_key'));
    const hostKey = await makeKey(join(folder, 'host_key'));
    const config = join(folder, 'sshd_config');
    // With HOME elsewhere the user's shell finds none of the files that make it talk of its own accord.
    writeFileSync(
      config,
      `Port ${port}
ListenAddress 127.0.0.1
HostKey ${hostKey}
AuthorizedKeysFile ${keyFile}.pub
AuthenticationMethods publickey
StrictModes no
UsePAM no
UseDNS no
PidFile none
MaxStartups 100
SetEnv HOME=${folder}
Subsystem sftp internal-sftp
`,
    );
    // sshd starts itself again for each connection and needs its absolute path for that.
    return { file: '/usr/sbin/sshd', args: ['-D', '-e', '-f', config] };
  });
  return { ...part, user: userInfo().username, keyFile };
}

async function makeKey(path: string): Promise<string> {
  const made = await run({ file: 'ssh-keygen', args: ['-q', '-t', 'ed25519', '-N', '', '-f', path] });
  if (made.code !== 0) throw new Error(`ssh-keygen failed: ${made.stderr}`);
  return path;
}
