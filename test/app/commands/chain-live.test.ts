import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { startChain } from '../../../src/app/commands/chain.ts';
import type { TcpAddress } from '../../../src/core/address.ts';
import { Scope } from '../../../src/core/scope.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, internal, toGraph } from '../../support/graphs/graphs.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

test('the drawing of a running chain tells what is live in each stage', async () => {
  const target = await startTarget(echo);
  const graph = toGraph({
    stages: [forwardStage('ingress', internal('inner')), forwardStage('inner', target.address, { listen: 'internal' })],
  });
  const scope = new Scope();
  const chain = await startChain({ graph }, { scope, emit: () => {}, graceMs: 0 });
  onTestFinished(async () => {
    scope.drain(undefined);
    await chain.done;
  });
  expect(await chain.draw?.(0)).not.toMatch(/1 tunnel/);

  const { port } = chain.addresses[0] as TcpAddress;
  const client = connect(port, '127.0.0.1');
  client.write('hello');
  await once(client, 'data');
  await eventually(async () => chain.draw?.(0), expect.stringMatching(/ingress[^]*1 tunnel[^]*inner[^]*1 tunnel/));
  client.end();
  client.resume();
  await once(client, 'close');
});
