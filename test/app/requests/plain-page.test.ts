import { expect, test } from 'vitest';
import { listStages } from '../../../src/chain/model/graph.ts';
import { writeHead } from '../../support/harness/plain-bed.ts';
import { startChain } from '../../support/harness/chain.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { findBlock } from '../../support/readme.ts';
import { answerPaths, startTarget } from '../../support/targets/plain.ts';

const page = 'docs/plain-requests.md';

test('a proxy of a file forwards plain requests as the page shows it, by its rules', async () => {
  const { graph } = loadText(findBlock('plain-stage', page));
  const [target, chain] = [await startTarget(answerPaths), await startChain(listStages(graph))];
  const client = await connectPeer(chain.port);
  client.send(writeHead(`GET http://127.0.0.1:${target.port}/page`));
  expect(await client.readUntil('/page')).toMatch(/^HTTP\/1\.1 200 /);
  client.send(writeHead('GET http://db.internal/'));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 403 /);
});
