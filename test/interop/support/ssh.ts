import type { Sshd } from '../parts/sshd.ts';
import { type Command, type Result, run, type RunOptions } from './process.ts';

/** The way of ssh to the server: its own connection to `port`, or the streams of `proxyCommand`. */
export interface SshRoute {
  readonly proxyCommand?: string;
  /** Another port that leads to the server, and the host whose port it is. */
  readonly port?: number;
  readonly host?: string;
  /** More of its settings, such as `ProxyUseFdpass=yes`. */
  readonly settings?: readonly string[];
}

/** Runs a command on the server. */
export function ssh(sshd: Sshd, route: SshRoute, command: string, options?: RunOptions): Promise<Result> {
  const args = [
    '-p',
    String(route.port ?? sshd.port),
    ...formatSshOptions(sshd, route),
    formatTarget(sshd, route),
    command,
  ];
  return run({ file: 'ssh', args }, options);
}

/** Runs a batch of sftp commands. */
export function sftp(sshd: Sshd, route: SshRoute, batch: readonly string[]): Promise<Result> {
  const options = formatSshOptions(sshd, route);
  const args = ['-P', String(route.port ?? sshd.port), ...options, '-b', '-', formatTarget(sshd, route)];
  return run({ file: 'sftp', args }, { input: `${batch.join('\n')}\n` });
}

function formatTarget(sshd: Sshd, { host = '127.0.0.1' }: SshRoute): string {
  return `${sshd.user}@${host}`;
}

/** The options that let ssh in without asking anything. */
export function formatSshOptions(sshd: Sshd, { proxyCommand, settings: more = [] }: SshRoute): Command['args'] {
  const settings = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    `IdentityFile=${sshd.keyFile}`,
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    ...(proxyCommand === undefined ? [] : [`ProxyCommand=${proxyCommand}`]),
    ...more,
  ];
  return ['-F', 'none', ...settings.flatMap((setting) => ['-o', setting])];
}
