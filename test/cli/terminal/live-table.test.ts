import { expect, test } from 'vitest';
import { type Tunnel, Tunnels } from '../../../src/app/tunnel/tunnels.ts';
import { watchTunnels } from '../../../src/cli/terminal/live-table.ts';
import { Ui } from '../../../src/cli/terminal/ui.ts';
import { eventually } from '../../support/eventually.ts';
import { type FakeIo, makeIo } from '../../support/harness/fake-io.ts';

interface Watched {
  readonly io: FakeIo;
  readonly ui: Ui;
  readonly tunnels: Tunnels;
  readonly stop: () => void;
}

async function watch(draw?: (width: number) => Promise<string>): Promise<Watched> {
  const io = makeIo({ terminal: true });
  const ui = new Ui(io, { verbosity: 'normal', form: 'text' });
  const tunnels = new Tunnels(() => {});
  const stop = await watchTunnels(ui, io.stderr, { tunnels, ...(draw && { draw }) });
  return { io, ui, tunnels, stop };
}

function add(tunnels: Tunnels, more: Partial<Tunnel> = {}): Tunnel {
  const tunnel: Tunnel = {
    id: tunnels.nextId(),
    client: '127.0.0.1:4242',
    target: 'db:5432',
    via: ['http://a:1', 'h2://b:443'],
    stages: [],
    depth: 0,
    isRecorded: true,
    started: performance.now(),
    cut: () => {},
    ...more,
  };
  tunnels.add(tunnel);
  return tunnel;
}

const handleOf = (sent: number, received: number) => ({ sent, received }) as NonNullable<Tunnel['handle']>;

test('the table shows bytes, rates, age and way of each tunnel, and follows them', async () => {
  const { io, tunnels, stop } = await watch();
  await eventually(io.said, expect.stringContaining('tunl: 0 tunnels open, 0 so far'));
  const tunnel = add(tunnels, { started: performance.now() - 61_000 });
  await eventually(io.said, expect.stringMatching(/│ db:5432 │ a:1 > h2:\/\/b:443 │ +- │ +0 │ dialling │ +0 │ 6\ds │/));
  expect(io.said()).toMatch(/│ id │ client +│ target +│ via +│ sent │ +\/s │ received │ +\/s │ age │/);
  expect(io.said()).toContain('tunl: 1 tunnel open, 1 so far');
  tunnel.handle = handleOf(1536, 5_000_000);
  await eventually(io.said, expect.stringMatching(/│ 1\.5K │ +[\d.]+K │ +4\.8M │ +[\d.]+M │ 6\ds │/));
  await eventually(io.said, expect.stringMatching(/│ 1\.5K │ +0 │ +4\.8M │ +0 │ 6\ds │/));
  stop();
});

test('users are a column once there is one', async () => {
  const { io, tunnels, stop } = await watch();
  add(tunnels, { user: 'alice' });
  await eventually(io.said, expect.stringMatching(/│ user +│[^]*│ alice +│/));
  stop();
});

test('of more tunnels than lines the newest are shown', async () => {
  const { io, tunnels, stop } = await watch();
  for (let index = 0; index < 40; index += 1) add(tunnels, { handle: handleOf(index, 0) });
  await eventually(io.said, expect.stringContaining('and 23 older\n'));
  expect(io.said()).toMatch(/│ 24 │[^]*│ 40 │/);
  expect(io.said()).not.toMatch(/│ 23 │/);
  stop();
});

test('what is said stands above the table, which comes back below it', async () => {
  const { io, ui, stop } = await watch();
  await eventually(io.said, expect.stringContaining('0 so far'));
  const before = io.said().length;
  ui.say('normal', 'a line');
  ui.say('normal', 'another');
  await eventually(
    () => io.said().slice(before),
    expect.stringMatching(/tunl: a line\ntunl: another\n.*tunl: 0 tunnels/),
  );
  stop();
});

test('the table is gone when it is stopped, and does not come back', async () => {
  const { io, ui, stop } = await watch();
  await eventually(io.said, expect.stringContaining('0 so far'));
  ui.say('normal', 'last line');
  stop();
  const said = io.said();
  await new Promise((resolve) => setImmediate(resolve));
  expect(io.said()).toBe(said);
  expect(said.lastIndexOf('so far')).toBeLessThan(said.lastIndexOf('last line'));
});

test('stages stand above the table as they run now, and give way to tunnels where lines are few', async () => {
  let count = 0;
  const { io, tunnels, stop } = await watch(async (width) => `[ingress] ${count} open, ${width} wide\n`);
  await eventually(io.said, expect.stringMatching(/\[ingress\] 0 open, \d+ wide\n.*tunl: 0 tunnels open/));
  add(tunnels);
  count = tunnels.size;
  await eventually(io.said, expect.stringMatching(/\[ingress\] 1 open, \d+ wide\n.*tunl: 1 tunnel open/));
  stop();

  const tall = await watch(async () => 'a line of a picture\n'.repeat(100));
  await eventually(tall.io.said, expect.stringContaining('0 tunnels open'));
  expect(tall.io.said()).not.toContain('picture');
  tall.stop();
});
