import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTinyproxy } from './parts/tinyproxy.ts';
import { type Origin, startGreeter, startHangingUp, startSilence, startWebOrigin } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { launch } from './support/process.ts';
import { routes, type StartedRoute } from './support/routes.ts';
import { formatHops, makeTunlCommand, tunl } from './support/tunl.ts';

/** Runs connect with an stdin that stays open until it ends by itself, with these bytes in it. */
async function connect(hops: readonly string[], port: number, first = '') {
  const running = launch(makeTunlCommand(['connect', '--linger', '200ms', ...formatHops(hops), `127.0.0.1:${port}`]));
  if (first !== '') running.child.stdin?.write(first);
  const { code } = await running.ended;
  return { code, stdout: running.stdout().toString(), stderr: running.stderr() };
}

describe.each(routes.filter(({ name }) => ['squid', 'tinyproxy', 'ncat', 'tunl serve'].includes(name)))(
  'behind $name',
  ({ start }) => {
    let route: StartedRoute;
    let targets: Record<'hangingUp' | 'silence' | 'greeter' | 'web', Origin>;
    let webServer: Part;
    beforeAll(async () => {
      route = await start();
      const [hangingUp, silence, greeter, web] = await Promise.all([
        startHangingUp(),
        startSilence(),
        startGreeter(),
        startWebOrigin(),
      ]);
      targets = { hangingUp, silence, greeter, web };
      webServer = await startTinyproxy();
    });
    afterAll(async () => {
      await Promise.all([route.stop(), webServer.stop(), ...Object.values(targets).map((target) => target.stop())]);
    });

    test('a target that hangs up without a word is no success', async () => {
      const { code, stdout, stderr } = await connect(route.hops, targets.hangingUp.port);
      expect([code, stdout], stderr).toEqual([56, '']);
      expect(stderr).toMatch(
        /^tunl: the target ended without a byte; some proxies answer 200 before they have tried \(/,
      );
    });

    test.each([
      ['hangingUp', 56],
      ['silence', 0],
      ['greeter', 0],
      ['web', 0],
    ] as const)('--check takes %s for what it is', async (name, exit) => {
      const { code, stderr } = await tunl([
        'connect',
        '--check',
        ...formatHops(route.hops),
        `127.0.0.1:${targets[name].port}`,
      ]);
      expect(code, stderr).toBe(exit);
    });

    test('a web server that is spoken to as ssh does answers with a warning, and one that is asked without', async () => {
      const { stderr } = await connect(route.hops, webServer.port, 'SSH-2.0-OpenSSH_9.2p1\r\n\r\n');
      expect(stderr).toMatch(
        /^tunl: the tunnel begins with an answer in HTTP to what was no request: "HTTP\/1\.[01] 400 /,
      );
      const asked = await connect(
        route.hops,
        targets.web.port,
        'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      );
      expect([asked.code, asked.stderr]).toEqual([0, '']);
      expect(asked.stdout).toMatch(/GET \/x$/);
    });
  },
);
