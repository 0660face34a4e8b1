import { expect, test } from 'vitest';
import type { Tunnel } from '../../../src/app/tunnel/tunnels.ts';
import { sayTunnels } from '../../../src/cli/terminal/tunnel-table.ts';
import { Ui, type Output } from '../../../src/cli/terminal/ui.ts';
import { makeIo } from '../../support/harness/fake-io.ts';

const common = { stages: [], depth: 0, isRecorded: true, started: performance.now(), cut: () => {} };
const tunnels: readonly Tunnel[] = [
  {
    id: 1,
    client: '127.0.0.1:4242',
    target: 'db:5432',
    via: ['http://a:1', 'https://b:443'],
    user: 'alice',
    handle: { sent: 10, received: 2000 } as NonNullable<Tunnel['handle']>,
    ...common,
  },
  { id: 2, client: '127.0.0.1:4243', target: 'db:22', via: [], ...common },
];

async function show(terminal: boolean, voice: Partial<Output> = {}, open = tunnels) {
  const io = makeIo({ terminal });
  await sayTunnels(new Ui(io, { verbosity: 'normal', form: 'text', ...voice }), io.stderr, open);
  return io;
}

test('in a pipe each tunnel is a line', async () => {
  expect((await show(false)).said()).toMatch(
    new RegExp(
      [
        '^tunl: 2 tunnels',
        'tunl: id=1 client=127.0.0.1:4242 user=alice target=db:5432 via=http://a:1, https://b:443 sent=10 received=2000 age=\\d+\\.\\ds',
        'tunl: id=2 client=127.0.0.1:4243 user=- target=db:22 via=- sent=0 received=0 age=\\d+\\.\\ds',
        '$',
      ].join('\n'),
    ),
  );
});

test('on a terminal they are a table, without colours of its own', async () => {
  const said = (await show(true)).said();
  expect(said).toMatch(/│ id .*│ client .*│ user .*│ target .*│ via .*│ sent .*│ received .*│ +age │/);
  expect(said).toMatch(/│ +1 │ 127\.0\.0\.1:4242 .*│ alice .*│ db:5432 /);
  expect(said).not.toContain('\u001b');
});

test('in JSON they are one event', async () => {
  expect((await show(false, { form: 'json' })).records()).toEqual([
    {
      event: 'tunnels',
      time: expect.any(String),
      version: 1,
      tunnels: [
        expect.objectContaining({ id: 1, user: 'alice', sent: 10, received: 2000, ms: expect.any(Number) }),
        expect.objectContaining({ id: 2, user: null, sent: 0, via: [] }),
      ],
    },
  ]);
});

test('no tunnels is an answer too', async () => {
  expect((await show(true, {}, [])).said()).toBe('tunl: 0 tunnels\n');
});
