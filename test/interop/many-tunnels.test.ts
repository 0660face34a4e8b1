import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { squidDomain, startDigestSquid, startGuardedSquid, startNtlmSquid } from './parts/squid.ts';
import { startTunl } from './support/tunl.ts';

const login = { user: 'alice', password: 'wonder-4711' } as const;

/** The schemes, with the number of times that each tunnel must be asked: a handshake of NTLM has a challenge. */
const schemes = [
  ['Basic', () => startGuardedSquid(login), login.user, 0],
  ['Digest', () => startDigestSquid(login), login.user, 0],
  ['NTLM', () => startNtlmSquid(login), `${squidDomain}%5C${login.user}`, 1],
] as const;

describe.each(schemes)('through squid with %s', (_, startSquid, user, forEach) => {
  /** Starts squid behind a proxy of bytes that counts its 407s, and a forward through both to a target that echoes. */
  async function start() {
    const [squid, target] = await Promise.all([startSquid(), startTarget(echo)]);
    onTestFinished(squid.stop);
    let asked = 0;
    const counter = await startTarget((socket) => {
      const upstream = connect({ host: '127.0.0.1', port: squid.port });
      upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
      upstream.on('data', (chunk) => void (chunk.toString('latin1').startsWith('HTTP/1.1 407 ') && asked++));
      socket.pipe(upstream).pipe(socket);
    });
    const hop = `http://${user}:${login.password}@127.0.0.1:${counter.port}?auth=auto`;
    const forward = await startTunl(['forward', '--grace', '0s', '-x', hop, `:127.0.0.1:${target.port}`]);
    onTestFinished(forward.stop);
    const visit = async (word: string) => {
      const client = await connectPeer(forward.port);
      client.send(`${word};`);
      const answer = await client.readUntil(';');
      client.reset();
      return answer === `${word};`;
    };
    return { visit, log: forward.log, asked: () => asked };
  }

  const count = amount(100, 1000);

  test(`${count} tunnels in a row cost no 407 too many`, async () => {
    const { visit, log, asked } = await start();
    for (let round = 0; round < count; round++) expect(await visit(`round ${round}`), log()).toBe(true);
    expect(asked()).toBe(1 + forEach * count);
  });

  test('100 tunnels at once cost no 407 too many', async () => {
    const { visit, log, asked } = await start();
    expect(await visit('first'), log()).toBe(true);
    const answers = await Promise.all(Array.from({ length: 100 }, (__, index) => visit(`client ${index}`)));
    expect(answers, log()).toEqual(answers.map(() => true));
    expect(asked()).toBe(1 + forEach * 101);
  });
});
