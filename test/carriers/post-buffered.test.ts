import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failureOf } from '../conformance/carrier-bed.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { startHttpMiddlebox } from '../support/peers/http-middlebox.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';

/** Starts a far end that answers requests for nothing at once, and the tunnel only after both of them. */
async function startSlowFarEnd() {
  const seen: string[] = [];
  let onProbed = () => {};
  const probed = new Promise<void>((resolve) => (onProbed = resolve));
  const server = createServer((request, reply) => {
    const { host, authorization, 'content-length': length = 'open' } = request.headers;
    seen.push(`${request.method} ${request.url} ${host} ${length} ${authorization ?? 'nobody'}`);
    if (host === 'tunl.invalid:443') {
      if (length === 'open') request.socket.once('close', onProbed);
      return void reply.writeHead(404, { 'content-length': 0, connection: 'close' }).end();
    }
    void probed.then(() => {
      reply.writeHead(200).flushHeaders();
      request.pipe(reply);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

describe('a POST that is not answered', () => {
  test('fails soon where bodies are kept until they are whole, and names the way out', async () => {
    const target = await startTarget(echo);
    const serve = await startTestServe({ accept: ['post'] });
    const { port, seen } = await startHttpMiddlebox(serve.port, () => 'pass');
    const route = await makeRoute([makeHop('post+http', port)]);
    const dial = () => failureOf(route.dial(target.address, makeContext(target.address)));
    for (const failure of await Promise.all([dial(), dial(), dial()])) {
      expect(failure.message).toContain('keeps requests until they are whole');
      expect(failure.facts.hints?.join('\n')).toContain(`poll+http://127.0.0.1:${port}`);
      expect(failure.side).toBe('hop');
    }
    // The tunnels share one probe, of two requests.
    expect(seen).toHaveLength(5);
    expect(target.accepted).toBe(0);
  });

  test('goes on where bodies pass as they come, and the probes carry no password', async () => {
    const target = await startTarget(echo);
    const { port, seen } = await startSlowFarEnd();
    const route = await makeRoute([makeHop('post+http', port, { settings: { path: '/here' } })]);
    const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
    client.send('hello');
    client.fin();
    expect((await client.readToEnd()).toString()).toBe('hello');
    expect(seen.slice(1)).toEqual(['POST /here tunl.invalid:443 0 nobody', 'POST /here tunl.invalid:443 open nobody']);
  });
});
