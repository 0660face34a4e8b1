import { describe, expect, onTestFinished, test } from 'vitest';
import { createRoute } from '../../src/app/stages/route.ts';
import type { TunlEvent } from '../../src/core/events.ts';
import { calmLimits, makeHop, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { makeMesh, spiffeId } from '../support/certs/mesh.ts';
import { eventually } from '../support/eventually.ts';
import { type AgentSvid, startSpiffeAgent } from '../support/peers/spiffe-agent.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';

const mesh = await makeMesh();
const { ca } = mesh.certs;

/** An identity of the mesh, or of another trust domain whose peers the mesh knows too. */
async function issue(account: string, more: Partial<AgentSvid> = {}): Promise<AgentSvid> {
  const leaf = await mesh.issue(spiffeId(account));
  return { id: spiffeId(account), leaf, key: leaf, authorities: [ca], ...more };
}

async function startDial(port: number, settings: Record<string, string>) {
  const events: TunlEvent[] = [];
  const hop = makeHop('hbone', port, { settings });
  const route = await createRoute({ hops: [[hop]], limits: calmLimits }, { emit: (event) => void events.push(event) });
  onTestFinished(() => route.close());
  const target = await startTarget(echo);
  const visit = async () => {
    const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
    client.send('ping');
    client.fin();
    return (await client.readToEnd()).toString();
  };
  const notices = (level: string) =>
    events.flatMap((event) => (event.event === 'notice' && event.level === level ? [event.message] : []));
  return { visit, notices };
}

describe('a hop with ?spiffe=', () => {
  test('shows the certificate of the agent, and another one as soon as that is sent', async () => {
    const serve = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
    const agent = await startSpiffeAgent(await issue('one'));
    const { visit, notices } = await startDial(serve.port, { spiffe: agent.address, peer: spiffeId('gateway') });
    expect(await visit()).toBe('ping');
    agent.send(await issue('two'));
    await eventually(() => notices('verbose').length, 1);
    expect(await visit()).toBe('ping');
    expect(serve.eventsOf('tunnel.opened').map(({ user }) => user)).toEqual([spiffeId('one'), spiffeId('two')]);
    expect(agent.asked).toBe(1);
    expect(notices('warning')).toEqual([]);
  });

  test('keeps what it has if a certificate and its key do not fit together, and warns once', async () => {
    const serve = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
    const agent = await startSpiffeAgent(await issue('one'));
    const { visit, notices } = await startDial(serve.port, { spiffe: agent.address });
    agent.send(await issue('two', { key: await mesh.issue(spiffeId('two')) }));
    await eventually(() => notices('warning').length, 1);
    expect(notices('warning')[0]).toMatch(
      /the old certificate stays: the certificate and the key do not fit together$/,
    );
    expect(await visit()).toBe('ping');
    agent.send(await issue('three'));
    await eventually(() => notices('verbose').length, 1);
    expect(await visit()).toBe('ping');
    expect(serve.eventsOf('tunnel.opened').map(({ user }) => user)).toEqual([spiffeId('one'), spiffeId('three')]);
    expect(notices('warning').length).toBe(1);
  });

  test('keeps what it has while the agent is away, and asks again', async () => {
    const serve = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
    const agent = await startSpiffeAgent(await issue('one'));
    const { visit, notices } = await startDial(serve.port, { spiffe: agent.address });
    await agent.stop();
    await eventually(() => notices('warning').length, 1);
    expect(await visit()).toBe('ping');
    agent.send(await issue('two'));
    await agent.start();
    await eventually(() => notices('verbose').length, 1);
    expect(await visit()).toBe('ping');
    expect(serve.eventsOf('tunnel.opened').map(({ user }) => user)).toEqual([spiffeId('one'), spiffeId('two')]);
    expect(notices('warning')).toEqual([expect.stringMatching(/ is gone, the certificate stays: /)]);
  });

  test('trusts a peer of another trust domain by the authorities of that domain alone', async () => {
    const other = await makeCerts();
    onTestFinished(() => other.remove());
    const there = spiffeId('db', 'other.domain');
    const leaf = await other.issue({ uris: [there] });
    const serve = await startTestServe({
      accept: ['hbone'],
      tls: { cert: leaf.cert, key: leaf.key, clientCa: ca.cert },
    });
    const agent = await startSpiffeAgent(await issue('one', { federated: { 'spiffe://other.domain': [other.ca] } }));
    const { visit } = await startDial(serve.port, { spiffe: agent.address });
    await expect(visit()).rejects.toMatchObject({ code: 'tls_certificate_error' });
    // One of our own domain that the other domain has signed.
    const forged = await other.issue({ uris: [spiffeId('gateway')] });
    const forger = await startTestServe({
      accept: ['hbone'],
      tls: { cert: forged.cert, key: forged.key, clientCa: ca.cert },
    });
    const careful = await startDial(forger.port, { spiffe: agent.address });
    await expect(careful.visit()).rejects.toMatchObject({ code: 'tls_certificate_error' });
  });

  test.each([
    [7, 'no identity issued', /no identity issued$/],
    [14, 'down%20for now', /down for now$/],
  ])('without an identity (status %i) it says what the agent says', async (status, text, message) => {
    const agent = await startSpiffeAgent(await issue('one'));
    agent.refuse(status, text);
    await expect(startDial(1, { spiffe: agent.address })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message) as string,
    });
  });

  test('without an agent it says so', async () => {
    await expect(startDial(1, { spiffe: 'unix:/nonexistent/agent.sock' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('the SPIFFE agent at unix:/nonexistent/agent.sock gives no identity') as string,
    });
  });
});

describe('a server with a SPIFFE agent', () => {
  test('shows what the agent sends, and takes clients by its authorities', async () => {
    const agent = await startSpiffeAgent(await issue('gateway'));
    const serve = await startTestServe({ accept: ['hbone'], tls: { spiffe: agent.address } });
    const clients = await startSpiffeAgent(await issue('one'));
    const first = await startDial(serve.port, { spiffe: clients.address, peer: spiffeId('gateway') });
    expect(await first.visit()).toBe('ping');
    agent.send(await issue('later'));
    const renewed = `the SPIFFE agent at ${agent.address} renewed the certificate of ${spiffeId('later')}`;
    await eventually(() => serve.eventsOf('notice').some(({ message }) => message === renewed), true);
    const second = await startDial(serve.port, { spiffe: clients.address, peer: spiffeId('later') });
    expect(await second.visit()).toBe('ping');
  });
});
