import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Part, startPart } from '../support/part.ts';
import { workspaceName } from '../support/workspace.ts';

let instances = 0;

/** Starts squid as an open proxy that caches nothing and allows CONNECT to every port. */
export function startSquid(): Promise<Part> {
  return startPart('squid', (port, folder) => {
    // Squids share memory with those of the same service name; letters and digits only.
    const name = `${workspaceName}squid${++instances}`;
    const logFile = join(folder, 'cache.log');
    const config = join(folder, 'squid.conf');
    writeFileSync(
      config,
      `http_port 127.0.0.1:${port}
visible_hostname ${name}
cache_effective_user proxy
pid_filename ${join(folder, 'squid.pid')}
coredump_dir ${folder}
cache_log ${logFile}
access_log none
netdb_filename none
pinger_enable off
cache deny all
http_access allow all
shutdown_lifetime 0 seconds
`,
    );
    return { file: 'squid', args: ['-N', '-n', name, '-f', config], logFile };
  });
}
