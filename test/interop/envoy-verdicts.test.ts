import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeBootstrap } from '../../src/envoy/export/export.ts';
import { defaultLimits } from '../../src/syntax/settings.ts';
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
  const file = join(makeFolder('verdicts'), 'verdicts.yaml');
  writeFileSync(file, writeBootstrap(toGraph({ stages: [stage] }), new Map()));
  const ours = await judge('tunl', port, file);
  expect(ours).toEqual(await judge('envoy', port, file));
  const all = ours.flatMap((line) => line.split(' ').slice(1));
  // The policies tell requests apart.
  expect(new Set(all)).toEqual(new Set(['204', '403']));
  expect(all.filter((status) => status === '403').length).toBeGreaterThan(count);
});
