import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { drain, pour } from '../support/bulk.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { startTarget } from '../support/targets/plain.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { ssh } from './support/ssh.ts';
import { startTunl, startTunlServe, type TunlPart } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

let sshd: Sshd;
let payload: Payload;
let proxy: TunlPart;

beforeAll(async () => {
  sshd = await startSshd();
  payload = makePayload(200_000_000);
  proxy = await startTunlServe();
  return async () => {
    await proxy.stop();
    await sshd.stop();
    payload.remove();
  };
});

/** Starts a chain for which Envoy needs two listeners and two clusters: a port, a stage inside, and a tunnel. */
async function startSeed(port: number, more = ''): Promise<TunlPart> {
  const file = join(makeFolder('chain'), 'chain.yaml');
  writeFileSync(
    file,
    `stages:
  ingress: { listen: 127.0.0.1:0, to: internal://encap }
  encap: { via: h2c://127.0.0.1:${proxy.port}, to: 127.0.0.1:${port}${more} }
`,
  );
  return startTunl(['chain', '-c', file]);
}

// The two stages are fused as they stand; a log keeps them apart.
test.each(['', ', log: true'])(
  'ssh through the two stages and a second process, 200 MB each way (encap%s)',
  async (more) => {
    const chain = await startSeed(sshd.port, more);
    const input = openSync(payload.file, 'r');
    const up = await ssh(sshd, { port: chain.port }, 'sha256sum', { input }).finally(() => closeSync(input));
    expect(up, chain.log()).toMatchObject({ code: 0, stdout: `${payload.sha256}  -\n`, stderr: '' });
    const output = makeDigester();
    const down = await ssh(sshd, { port: chain.port }, `cat '${payload.file}'`, { output });
    expect(down, chain.log()).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
    await chain.stop();
  },
);

test('200 MB both ways at once through the same stages', async () => {
  const target = await startTarget();
  const chain = await startSeed(target.port);
  const client = await connectPeer(chain.port, { reading: false });
  const far = await target.accept({ reading: false });
  const [up, down] = [pour(client.stream, 200 << 20), pour(far.stream, 200 << 20)];
  const arrived = await Promise.all([drain(far.stream), drain(client.stream)]);
  expect(arrived).toEqual(await Promise.all([up.done, down.done]));
  await chain.stop();
});

test('the record of a log names the first client', async () => {
  const target = await startTarget();
  const chain = await startSeed(target.port, ', log: true');
  const client = await connectPeer(chain.port);
  const word = randomBytes(1000);
  client.send(word);
  client.fin();
  const far = await target.accept();
  const print = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  expect(print(await far.readToEnd())).toBe(print(word));
  const { localPort } = client.stream as unknown as { localPort: number };
  far.fin();
  await client.readToEnd();
  await chain.waitForLine(
    new RegExp(` 127\\.0\\.0\\.1:${localPort} - 127\\.0\\.0\\.1:${target.port} - closed: sent 1000`),
  );
  await chain.stop();
});
