import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Stage, FieldMatch, HttpRoute } from '../../src/chain/model/graph.ts';
import { writeBootstrap } from '../../src/envoy/export/export.ts';
import { usualLimits } from '../../src/envoy/import/cluster.ts';
import { makeHop } from '../support/harness/app.ts';
import { startChain } from '../support/harness/chain.ts';
import { forwardStage, internal, toGraph } from '../support/graphs/graphs.ts';
import { answer, httpStage, on, requests, tunnels, upstream } from '../support/graphs/http-stages.ts';
import { hasEnvoy, startEnvoyFile } from './parts/envoy.ts';
import { startWebOrigin } from './support/origin.ts';
import { run } from './support/process.ts';
import { startTunl, startTunlServe } from './support/tunl.ts';
import { expectOwnBytes, startEcho } from './support/tunnels.ts';

const route = { hops: [], limits: usualLimits };

/** Stages of which the first listens at this port. */
type MakeStages = (listen: Stage['listen']) => readonly Stage[];

const loopback = (port: number) => [{ kind: 'tcp', host: '127.0.0.1', port }] as const;

/** The same graph, run by us and by Envoy. */
const runners: readonly { readonly name: string; readonly start: (make: MakeStages) => Promise<number> }[] = [
  { name: 'tunl', start: async (make) => (await startChain(make(loopback(0)))).port },
  {
    name: 'Envoy',
    start: async (make) => {
      const part = await startEnvoyFile((port, folder) => {
        const file = join(folder, 'envoy.yaml');
        writeFileSync(file, writeBootstrap(toGraph({ stages: make(loopback(port)) })));
        return Promise.resolve(file);
      });
      onTestFinished(part.stop);
      return part.port;
    },
  },
];

/** Runs curl, and returns the body and the status that it gets. */
async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run({ file: 'curl', args: ['-sS', '-m', '10', '-w', ' %{http_code}', ...args] });
  return stdout;
}

async function startOrigin() {
  const { port, stop } = await startWebOrigin();
  onTestFinished(stop);
  return { kind: 'tcp', host: '127.0.0.1', port } as const;
}

describe.skipIf(!hasEnvoy).each(runners)('an HTTP stage that $name runs', ({ start }) => {
  test.each(['--http1.1', '--http2-prior-knowledge'])('takes the first route that fits (%s)', async (version) => {
    const origin = await startOrigin();
    const field = (name: string, kind: 'exact' | 'prefix', value: string): FieldMatch => ({
      name,
      value: { kind, value },
    });
    const routes: readonly HttpRoute[] = [
      on('/hello', answer('hi', 201), [field(':method', 'exact', 'GET')]),
      {
        match: {
          path: { kind: 'exact', value: '/only' },
          fields: [field('x-a', 'prefix', 'b'), { ...field('x-b', 'exact', 'c'), invert: true }],
        },
        action: answer('only', 202),
      },
      on('/no', { kind: 'answer', status: 403 }, [{ name: 'x-no' }]),
      on('/', requests()),
    ];
    const port = await start((listen) => [
      httpStage('web', [], [upstream('main', origin, { route })], {
        listen,
        route,
        hosts: [
          { name: 'a', domains: ['a.example'], routes: [on('/', answer('a'))] },
          { name: 'all', domains: ['*'], routes },
        ],
      }),
    ]);
    const ask = (...args: readonly string[]) => curl(version, ...args);
    const url = `http://127.0.0.1:${port}`;
    expect([
      await ask('-H', 'Host: a.example', `${url}/`),
      await ask(`${url}/hello/you`),
      await ask('-d', 'body', `${url}/hello/you`),
      await ask('-H', 'x-a: bc', '-H', 'x-b: d', `${url}/only?q`),
      await ask('-H', 'x-a: bc', '-H', 'x-b: c', `${url}/only`),
      await ask('-H', 'x-no: 1', `${url}/no`),
      await ask(`${url}/no?way`),
    ]).toEqual(['a 200', 'hi 201', 'body 200', 'only 202', 'GET /only 200', ' 403', 'GET /no?way 200']);
  });

  test('sends requests through a tunnel in HTTP/2 to another process', async () => {
    const origin = await startOrigin();
    const proxy = await startTunlServe(['--grace', '0']);
    onTestFinished(proxy.stop);
    const hops = [[makeHop('h2c', proxy.port)]];
    const port = await start((listen) => [
      httpStage('web', [on('/', requests())], [upstream('main', internal('encap'), { route })], { listen, route }),
      forwardStage('encap', origin, { listen: 'internal', route: { ...route, hops } }),
    ]);
    expect(await curl(`http://127.0.0.1:${port}/through?a`)).toBe('GET /through?a 200');
  });

  test('reaches its upstream through hops of its own', async () => {
    const origin = await startOrigin();
    const proxies = await Promise.all([startTunlServe(['--grace', '0']), startTunlServe(['--grace', '0', '--post'])]);
    for (const { stop } of proxies) onTestFinished(stop);
    const [near, far] = proxies;
    const hops = [[makeHop('http', near.port)], [makeHop('post+h2c', far.port)]];
    const port = await start((listen) => [
      httpStage('web', [on('/', requests())], [upstream('main', origin, { route: { ...route, hops } })], {
        listen,
        route,
      }),
    ]);
    expect(await curl('-d', 'body', `http://127.0.0.1:${port}/`)).toBe('body 200');
  });

  test('ends tunnels, and looks at the requests inside in another stage', async () => {
    const echo = await startEcho();
    const port = await start((listen) => [
      httpStage(
        'front',
        [
          on('CONNECT', tunnels({ upstream: 'echo' }), [{ name: 'foo', value: { kind: 'exact', value: 'bar' } }]),
          on('CONNECT', tunnels()),
        ],
        [
          upstream('main', internal('inside'), { route }),
          upstream('echo', { kind: 'tcp', host: '127.0.0.1', port: echo.port }, { route }),
        ],
        { listen, route },
      ),
      httpStage('inside', [on('/', answer('inside'))], [], { listen: 'internal', route }),
    ]);
    const hop = ['-x', `h2c://127.0.0.1:${port}`];
    const web = await startTunl(['forward', '--grace', '0', '0:any:80', ...hop]);
    expect(await curl(`http://127.0.0.1:${web.port}/`)).toBe('inside 200');
    await web.stop();
    const raw = await startTunl(['forward', '--grace', '0', '0:any:80', ...hop, '--proxy-header', 'foo: bar']);
    await expectOwnBytes(raw.port, 5);
    await raw.stop();
  });
});
