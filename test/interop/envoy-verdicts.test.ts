import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { ScreenRule, Stage } from '../../src/chain/model/graph.ts';
import { writeBootstrap } from '../../src/envoy/export/export.ts';
import { defaultLimits } from '../../src/syntax/settings.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { toGraph } from '../support/graphs/graphs.ts';
import { answer, httpStage, on } from '../support/graphs/http-stages.ts';
import { mixedScreens } from '../support/graphs/screens.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { hasEnvoy } from './parts/envoy.ts';
import { findFreePort } from './support/part.ts';
import { startSubject, type Subject } from './support/subject.ts';
import { makeFolder } from './support/workspace.ts';

const count = 300;
const requests = [
  ['GET', '', 'host: a.test'],
  ['POST', '', 'host: ab', 'x-a: a', 'content-length: 0'],
  ['GET', '/a', 'host: ab', 'x-a: ab', 'x-b: red'],
  ['GET', '?a', 'host: red', 'x-a: b', 'x-a: other'],
  ['DELETE', '/ab', 'host: abc', 'x-b: a', 'x-b: /a'],
  ['GET', '/red', 'host: b.test:443', 'x-a:', 'x-b: b'],
] as const;

/** Returns the statuses of all requests, by the number of the policy. */
async function judge(subject: Subject, port: number, file: string): Promise<string[]> {
  const running = await startSubject(subject, file, [port]);
  try {
    const client = await connectPeer(port);
    const verdicts: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const path = `/p${String(index).padStart(3, '0')}`;
      const statuses: string[] = [];
      for (const [method, rest, ...fields] of requests) {
        client.send([`${method} ${path}${rest} HTTP/1.1`, ...fields, '', ''].join('\r\n'));
        const head = await client.readHead();
        await client.read(Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0));
        statuses.push(head.slice('HTTP/1.1 '.length).slice(0, 3));
      }
      verdicts.push(`${path} ${statuses.join(' ')}`);
    }
    return verdicts;
  } finally {
    await running.stop();
  }
}

/** Writes a file of Envoy with one stage, and returns its path. */
function exportFile(stage: Stage): string {
  const file = join(makeFolder('verdicts'), 'verdicts.yaml');
  writeFileSync(file, writeBootstrap(toGraph({ stages: [stage] }), new Map()));
  return file;
}

test.skipIf(!hasEnvoy)('300 generated policies judge requests as in Envoy', async () => {
  const port = await findFreePort();
  const routes = fc.sample(mixedScreens, { numRuns: count, seed: 14 }).map((screens, index) => ({
    ...on(`/p${String(index).padStart(3, '0')}`, answer('', 204)),
    screens,
  }));
  const stage = httpStage('front', routes, [], {
    listen: [{ kind: 'tcp', host: '127.0.0.1', port }],
    route: { hops: [], limits: defaultLimits('envoy') },
  });
  const file = exportFile(stage);
  const ours = await judge('tunl', port, file);
  expect(ours).toEqual(await judge('envoy', port, file));
  const all = ours.flatMap((line) => line.split(' ').slice(1));
  // The policies tell requests apart.
  expect(new Set(all)).toEqual(new Set(['204', '403']));
  expect(all.filter((status) => status === '403').length).toBeGreaterThan(count);
});

test.skipIf(!hasEnvoy)('certificates and server names of clients are judged as in Envoy', async () => {
  const certs = await makeCerts();
  afterAll(() => certs.remove());
  const client = await certs.issue({
    cn: String.raw`ålice\, <b>`,
    dns: ['a.example'],
    uris: ['spiffe://td/a', 'urn:x,y'],
  });
  const names = ['spiffe://td/a', 'urn:x,y', 'a.example', String.raw`CN=\C3\A5lice\, \<b\>`, 'alice', ''];
  const rules: readonly ScreenRule[] = [
    { kind: 'identity' },
    ...names.map((value): ScreenRule => ({ kind: 'identity', text: { kind: 'exact', value } })),
    { kind: 'identity', text: { kind: 'prefix', value: 'CN=' } },
  ];
  const servers = ['localhost', 'LOCALHOST', ''].map((value): ScreenRule => ({
    kind: 'server-name',
    text: { kind: 'exact', value },
  }));
  const any: ScreenRule = { kind: 'any' };
  const sides = [
    ...rules.map((rule) => ({ what: [any], who: [rule] })),
    ...servers.map((rule) => ({ what: [rule], who: [any] })),
  ];
  const port = await findFreePort();
  const routes = sides.map((side, index) => ({
    ...on(`/${index}/`, answer('', 204)),
    screens: [{ action: 'allow' as const, policies: [{ name: 'p', ...side }] }],
  }));
  const stage = httpStage('front', routes, [], {
    listen: [{ kind: 'tcp', host: '127.0.0.1', port }],
    route: { hops: [], limits: defaultLimits('envoy') },
    tls: { cert: certs.server.cert, key: certs.server.key, clientCa: certs.ca.cert },
  });
  const file = exportFile(stage);
  const seen = async (subject: Subject) => {
    const running = await startSubject(subject, file, [port]);
    try {
      const statuses: string[] = [];
      for (const index of sides.keys()) {
        const own = { cert: client.certPem, key: client.keyPem, ca: certs.ca.certPem };
        const socket = connectTls({ port, host: '127.0.0.1', servername: 'LocalHost', ...own });
        socket.write(`GET /${index}/ HTTP/1.1\r\nhost: a\r\n\r\n`);
        const [first] = (await once(socket, 'data')) as [Buffer];
        socket.destroy();
        statuses.push(first.toString('latin1').slice('HTTP/1.1 '.length).slice(0, 3));
      }
      return statuses;
    } finally {
      await running.stop();
    }
  };
  const verdicts = ['204', '204', '204', '204', '204', '403', '403', '204', '204', '403', '403'];
  expect(await seen('envoy')).toEqual(verdicts);
  expect(await seen('tunl')).toEqual(verdicts);
});
