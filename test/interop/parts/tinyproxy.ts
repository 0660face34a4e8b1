import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Login, type Part, startPart } from '../support/part.ts';

/** Starts tinyproxy for loopback clients; without a ConnectPort line it allows CONNECT to every port. */
export function startTinyproxy(login?: Login): Promise<Part> {
  return startPart('tinyproxy', (port, folder) => {
    const config = join(folder, 'tinyproxy.conf');
    writeFileSync(
      config,
      `Port ${port}
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 600
MaxClients 200
${login ? `BasicAuth ${login.user} ${login.password}\n` : ''}`,
    );
    return { file: 'tinyproxy', args: ['-d', '-c', config] };
  });
}
