import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Part, startPart } from '../support/part.ts';

/** Starts Dante, which speaks SOCKS4 and SOCKS5, for loopback clients and targets. */
export function startDante(): Promise<Part> {
  return startPart('dante', (port, folder) => {
    const config = join(folder, 'danted.conf');
    writeFileSync(
      config,
      `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: lo
external.rotation: route
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect }
`,
    );
    return { file: '/usr/sbin/danted', args: ['-f', config, '-p', join(folder, 'danted.pid')] };
  });
}
