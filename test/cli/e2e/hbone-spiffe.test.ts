import { expect, onTestFinished, test } from 'vitest';
import { makeMesh, spiffeId } from '../../support/certs/mesh.ts';
import { startSpiffeAgent } from '../../support/peers/spiffe-agent.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';
import { startTarget } from '../../support/targets/plain.ts';

const mesh = await makeMesh();

async function issue(account: string) {
  const leaf = await mesh.issue(spiffeId(account));
  return { id: spiffeId(account), leaf, key: leaf, authorities: [mesh.certs.ca] };
}

test('both ends take their certificates from an agent, and renew them while they run', async () => {
  const target = await startTarget((socket) => socket.end('hello'));
  const [servers, clients] = [await startSpiffeAgent(await issue('db')), await startSpiffeAgent(await issue('cart'))];
  const serve = startTunl(['serve', '127.0.0.1:0', '--hbone', '--spiffe', servers.address, '-v']);
  onTestFinished(() => void serve.child.kill('SIGKILL'));
  const [, port = ''] = await serve.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const visit = (account: string, env: Record<string, string> = {}, spiffe = `&spiffe=${clients.address}`) => {
    const hop = `hbone://127.0.0.1:${port}?peer=${spiffeId(account)}${spiffe}`;
    return runTunl(['connect', `127.0.0.1:${target.port}`, '-x', hop], env);
  };
  expect(await visit('db')).toMatchObject({ code: 0, stdout: 'hello', stderr: '' });
  await serve.waitFor(new RegExp(` ${spiffeId('cart')} 127.0.0.1:${target.port} 200 `));
  servers.send(await issue('db-2'));
  await serve.waitFor(/renewed the certificate of spiffe:.*db-2/);
  // The variable stands for an agent where nothing else is named.
  expect(
    await visit('db-2', { SPIFFE_ENDPOINT_SOCKET: clients.address.replace('unix:', 'unix://') }, ''),
  ).toMatchObject({
    code: 0,
    stdout: 'hello',
  });
  expect((await visit('db')).code).toBe(60);
});

test('an agent that has nothing for us is said, and what to do', async () => {
  const agent = await startSpiffeAgent(await issue('db'));
  agent.refuse(7, 'no identity issued');
  expect(await runTunl(['serve', '127.0.0.1:0', '--hbone'], { SPIFFE_ENDPOINT_SOCKET: agent.address })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('gives no identity: it says no identity issued') as string,
  });
  expect((await runTunl(['serve', '127.0.0.1:0', '--tls', '--spiffe', agent.address])).stderr).toContain(
    'spiffe goes with hbone',
  );
});
