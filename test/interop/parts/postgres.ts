import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Part, startPart } from '../support/part.ts';
import { type Command, run } from '../support/process.ts';

const versions = '/usr/lib/postgresql';

/** Starts a PostgreSQL server with one superuser, `postgres`, who needs no password. */
export function startPostgres(): Promise<Part> {
  return startPart('postgres', async (port, folder) => {
    const data = join(folder, 'data');
    const made = await run(asOrdinaryUser('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync']));
    if (made.code !== 0) throw new Error(`initdb failed: ${made.stdout}${made.stderr}`);
    const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, 'fsync=off'];
    return asOrdinaryUser('postgres', ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]);
  });
}

/** PostgreSQL refuses to run as root. */
function asOrdinaryUser(program: string, args: readonly string[]): Command {
  const [version = ''] = readdirSync(versions).toSorted().toReversed();
  const file = join(versions, version, 'bin', program);
  if (process.getuid?.() !== 0) return { file, args };
  return { file: 'setpriv', args: ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', file, ...args] };
}
