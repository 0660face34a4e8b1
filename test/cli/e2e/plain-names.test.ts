import { expect, onTestFinished, test } from 'vitest';
import { writeHead } from '../../support/harness/plain-bed.ts';
import { startTunl } from '../../support/harness/tunl-process.ts';
import { startOwnNames } from '../../support/peers/own-names.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerPaths, startTarget } from '../../support/targets/plain.ts';

test('a name that points elsewhere later leads nowhere that is forbidden, on the same connection', async () => {
  const zone: Record<string, readonly string[]> = { 'rebound.test': ['127.0.0.1'] };
  const names = await startOwnNames(zone);
  const { child, waitFor } = startTunl(['serve', '127.0.0.1:0', '--deny', '127.0.0.2'], names.env);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, port] = await waitFor(/serving \S+:(\d+)/);
  const target = await startTarget(answerPaths);
  const client = await connectPeer(Number(port));
  const url = `http://rebound.test:${target.port}`;
  client.send(writeHead(`GET ${url}/first`));
  await client.readUntil('/first');
  zone['rebound.test'] = ['127.0.0.2'];
  // The connection that is kept leads to the address that was checked.
  client.send(writeHead(`GET ${url}/second`));
  await client.readUntil('/second');
  expect(target.accepted).toBe(1);
  const [other, asked] = [await connectPeer(Number(port)), names.questions.length];
  other.send(writeHead(`GET ${url}/third`));
  expect(await other.readHead()).toMatch(/^HTTP\/1\.1 403 [^]*error=destination_ip_prohibited/);
  expect(names.questions.length).toBeGreaterThan(asked);
  expect(target.accepted).toBe(1);
});
