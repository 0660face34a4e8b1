import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { routes, type StartedRoute } from './support/routes.ts';
import { sftp, ssh } from './support/ssh.ts';
import { formatTunlProxyCommand } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

let sshd: Sshd;
let payload: Payload;
let letter: Payload;

beforeAll(async () => {
  sshd = await startSshd();
  payload = makePayload(200_000_000);
  letter = makePayload(3_000_017);
  return async () => {
    payload.remove();
    await sshd.stop();
  };
});

describe.each(routes)('ssh with tunl connect through $name', ({ start }) => {
  let route: StartedRoute;
  let proxyCommand: string;

  beforeAll(async () => {
    route = await start();
    proxyCommand = formatTunlProxyCommand(route.hops);
    return route.stop;
  });

  test("gives a command's output, errors and status, and nothing of its own", async () => {
    const result = await ssh(sshd, { proxyCommand }, 'cat; echo err >&2; exit 3', { input: 'from stdin' });
    expect(result, route.log()).toMatchObject({ code: 3, stdout: 'from stdin', stderr: 'err\n' });
  });

  test('carries 200 MB up', async () => {
    const input = openSync(payload.file, 'r');
    const result = await ssh(sshd, { proxyCommand }, 'sha256sum', { input }).finally(() => closeSync(input));
    expect(result, route.log()).toMatchObject({ code: 0, stdout: `${payload.sha256}  -\n`, stderr: '' });
  });

  test('carries 200 MB down', async () => {
    const output = makeDigester();
    const result = await ssh(sshd, { proxyCommand }, `cat '${payload.file}'`, { output });
    expect(result, route.log()).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
  });

  test('carries sftp both ways', async () => {
    const folder = makeFolder('sftp');
    const batch = [`put ${letter.file} ${join(folder, 'up')}`, `get ${join(folder, 'up')} ${join(folder, 'down')}`];
    expect(await sftp(sshd, { proxyCommand }, batch), route.log()).toMatchObject({ code: 0, stderr: '' });
    expect(
      makeDigester()
        .update(readFileSync(join(folder, 'down')))
        .digest('hex'),
    ).toBe(letter.sha256);
  });
});
