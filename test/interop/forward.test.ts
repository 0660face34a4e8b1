import { beforeAll, describe, expect, test } from 'vitest';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { startWebOrigin } from './support/origin.ts';
import { run } from './support/process.ts';
import { routes, type StartedRoute } from './support/routes.ts';
import { ssh } from './support/ssh.ts';
import { formatHops, startTunl, type TunlPart } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
  return sshd.stop;
});

describe.each(routes)('tunl forward through $name', ({ start }) => {
  let route: StartedRoute;
  let forward: TunlPart;

  beforeAll(async () => {
    route = await start();
    forward = await startTunl(['forward', `:127.0.0.1:${sshd.port}`, ...formatHops(route.hops)]);
    return async () => {
      await forward.stop();
      await route.stop();
    };
  });

  test('carries ten ssh sessions at once, each with its own bytes', async () => {
    // No session goes on before all ten are there.
    const folder = makeFolder('sessions');
    // Bounded on the far side too: the shell of a session whose client was killed has nobody to end it.
    const meet = `for _ in {1..600}; do [ "$(ls '${folder}' | wc -l)" -eq 10 ] && break; sleep 0.05; done`;
    const sessions = Array.from({ length: 10 }, (_, index) => {
      const input = `${String(index).repeat(1_000_000)}\n`;
      const command = `: >'${folder}/${index}'; ${meet}; cat`;
      return ssh(sshd, { port: forward.port }, command, { input }).then(({ code, stdout, stderr }) => ({
        code,
        stderr,
        whole: stdout === input,
      }));
    });
    const expected = sessions.map(() => ({ code: 0, stderr: '', whole: true }));
    expect(await Promise.all(sessions), forward.log() + route.log()).toEqual(expected);
  });
});

describe('tunl forward without a bind address', () => {
  test.each(['127.0.0.1', '::1', 'localhost'])('is where ssh finds %s', async (host) => {
    const forward = await startTunl(['forward', '--direct', `:127.0.0.1:${sshd.port}`]);
    const { code, stdout, stderr } = await ssh(sshd, { port: forward.port, host }, 'cat', { input: 'there and back' });
    await forward.stop();
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'there and back', stderr: '' });
  });

  test('is where curl finds localhost with either family', async () => {
    const origin = await startWebOrigin();
    const forward = await startTunl(['forward', '--direct', `:127.0.0.1:${origin.port}`]);
    const args = ['-q', '-sS', '-m', '10', `http://localhost:${forward.port}/there`];
    const answers = await Promise.all(['-4', '-6'].map((family) => run({ file: 'curl', args: [family, ...args] })));
    await forward.stop();
    await origin.stop();
    expect(answers.map(({ stdout }) => stdout)).toEqual(['GET /there', 'GET /there']);
  });
});
