import { expect, onTestFinished, test } from 'vitest';
import { type Tunnel, Tunnels } from '../../../src/app/tunnel/tunnels.ts';
import { type Failures, watchTunnels } from '../../../src/cli/terminal/live-table.ts';
import { Ui } from '../../../src/cli/terminal/ui.ts';
import { eventually } from '../../support/eventually.ts';
import { type FakeIo, makeIo } from '../../support/harness/fake-io.ts';

interface Watched {
  readonly io: FakeIo;
  readonly ui: Ui;
  readonly tunnels: Tunnels;
  readonly failures: Failures;
  readonly stop: () => void;
  /** The lines that were drawn last. */
  readonly shown: () => string[];
  readonly press: (key: string) => void;
}

interface WatchOptions {
  readonly draw?: (width: number) => Promise<string>;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

function watch({ draw, columns = 100, env = { LC_ALL: 'C.UTF-8' } }: WatchOptions = {}): Watched {
  const io = makeIo({ terminal: true, columns, env });
  const ui = new Ui(io, { verbosity: 'normal', form: 'text' });
  const tunnels = new Tunnels(() => {});
  const failures: Failures = { count: 0 };
  const stop = watchTunnels(ui, io, { tunnels, failures, ...(draw && { draw }) });
  onTestFinished(stop);
  const shown = () =>
    (io.said().split('\u001b[H').at(-1) ?? '').split('\r\n').map((line) => line.replace(/\u001b\[2?[KJ]/g, ''));
  return { io, ui, tunnels, failures, stop, shown, press: (key) => void io.stdin.push(key) };
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
  const { shown, tunnels } = watch();
  const text = () => shown().join('\n');
  await eventually(text, expect.stringMatching(/^tunl: 0 tunnels open, 0 so far\nsent 0\/s, received 0\/s ▁\n/));
  const tunnel = add(tunnels, { started: performance.now() - 61_000 });
  await eventually(text, expect.stringMatching(/│ db:5432 │ a:1 > h2:\/\/b:443 │ +- │ +0 │ dialling │ +0 │ 6\ds │/));
  expect(text()).toMatch(/│ id │ client +│ target +│ via +│ sent │ +\/s │ received │ +\/s │ age │/);
  tunnel.handle = handleOf(1536, 5_000_000);
  await eventually(text, expect.stringMatching(/│ 1\.5K │ +[\d.]+K │ +4\.8M │ +[\d.]+M │ 6\ds │/));
  await eventually(text, expect.stringMatching(/received 0\/s ▁+█▁+\n[^]*│ 1\.5K │ +0 │ +4\.8M │ +0 │ 6\ds │/));
});

test('users are a column once there is one', async () => {
  const { shown, tunnels } = watch({ columns: 160 });
  add(tunnels, { user: 'alice' });
  await eventually(() => shown().join('\n'), expect.stringMatching(/│ user +│[^]*│ alice +│/));
});

test.each([
  [160, ['id', 'client', 'target', 'via', 'sent', '/s', 'received', '/s', 'age']],
  [80, ['id', 'target', 'via', 'sent', '/s', 'received', '/s', 'age']],
  [60, ['id', 'target', 'sent', '/s', 'received', '/s', 'age']],
  [40, ['id', 'target', 'received', '/s']],
])('on %i columns it fits, with the columns that matter most', async (columns, heads) => {
  const { shown, tunnels } = watch({ columns });
  add(tunnels, { target: 'a-database.with.a-long-name.example:5432', client: '127.0.0.1:54321' });
  const readHeads = () =>
    (shown()[3] ?? '')
      .split('│')
      .map((cell) => cell.trim())
      .slice(1, -1);
  await eventually(readHeads, heads);
  expect(Math.max(...shown().map((line) => line.length))).toBeLessThanOrEqual(columns);
  expect(shown()).toHaveLength(24);
});

test('a key sorts, and once more turns the order round', async () => {
  const { shown, tunnels, press } = watch();
  for (const [sent, received] of [
    [5, 1],
    [9, 2],
    [7, 3],
  ] as const)
    add(tunnels, { handle: handleOf(sent, received) });
  const readIds = () => shown().flatMap((line) => /^│ +(\d+) │/.exec(line)?.[1] ?? []);
  await eventually(readIds, ['3', '2', '1']);
  press('s');
  await eventually(readIds, ['2', '3', '1']);
  expect(shown().at(-1)).toMatch(/sent ↓$/);
  press('s');
  await eventually(readIds, ['1', '3', '2']);
  press('xr');
  await eventually(readIds, ['3', '2', '1']);
});

test('of more tunnels than lines the first ones are shown', async () => {
  const { shown, tunnels } = watch();
  for (let index = 0; index < 40; index += 1) add(tunnels, { handle: handleOf(index, 0) });
  await eventually(() => shown().filter((line) => line.startsWith('and ')), ['and 24 more']);
  expect(shown().filter((line) => /^│ +\d+ /.test(line))).toHaveLength(16);
});

test('failures are counted, and the last one is told', async () => {
  const { shown, failures } = watch();
  Object.assign(failures, { count: 3, last: 'at 10:00:00: db:22: refused' });
  await eventually(() => shown().at(-2), 'failed: 3, last at 10:00:00: db:22: refused');
});

test('what is said is shown below the table, and written when the terminal is given back', async () => {
  const { io, ui, shown, stop } = watch();
  await eventually(() => shown()[0], 'tunl: 0 tunnels open, 0 so far');
  for (let index = 0; index < 1500; index++) ui.say('normal', `line ${index}`);
  await eventually(() => shown().slice(-4, -1), ['tunl: line 1497', 'tunl: line 1498', 'tunl: line 1499']);
  stop();
  const [, after = ''] = io.said().split('\u001b[?1049l');
  expect(after).toMatch(/^tunl: 500 earlier lines are left out\ntunl: line 500\n[^]*tunl: line 1499\n$/);
  ui.say('normal', 'last line');
  expect(io.said()).toMatch(/tunl: last line\n$/);
});

test('q gives the terminal back and what follows is said as always', async () => {
  const { io, ui, shown, press } = watch();
  await eventually(() => shown()[0], 'tunl: 0 tunnels open, 0 so far');
  press('q');
  await eventually(io.said, expect.stringMatching(/\u001b\[\?25h\u001b\[\?1049l$/));
  ui.say('normal', 'goes on');
  expect(io.said()).toMatch(/1049ltunl: goes on\n$/);
});

test('frames and lines are ASCII where the locale is not UTF-8', async () => {
  const { shown, tunnels } = watch({ env: { LC_ALL: '', LANG: 'C' } });
  add(tunnels, { user: 'zoë' });
  await eventually(() => shown()[2], expect.stringMatching(/^\+-+\+/));
  const text = shown().join('\n');
  expect(text).toMatch(/^| id \|/m);
  expect(text).toContain('zo?');
  expect(text).toMatch(/^[\u0000-\u007f]*$/);
});

test('stages stand above the table as they run now, and give way to tunnels where lines are few', async () => {
  let count = 0;
  const { shown, tunnels } = watch({ draw: async (width) => `[ingress] ${count} open, ${width} wide\n` });
  await eventually(() => shown()[2], '[ingress] 0 open, 100 wide');
  add(tunnels);
  count = tunnels.size;
  await eventually(() => shown()[2], '[ingress] 1 open, 100 wide');

  const tall = watch({ draw: async () => 'a line of a picture\n'.repeat(100) });
  await eventually(() => tall.shown()[0], 'tunl: 0 tunnels open, 0 so far');
  expect(tall.shown().join('\n')).not.toContain('picture');
});
