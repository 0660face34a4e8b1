import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { errorTable } from '../../../src/core/error-table.ts';
import { type EventLine, eventNames, failureCodes, readEvents } from '../../support/event-schema.ts';
import { askScript, makeScript } from '../../support/harness/scripts.ts';
import { startMiddlebox } from '../../support/peers/middlebox.ts';
import { echo, resetAfter, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { type Ended, runTunl, startTunl, type Tunl } from '../../support/harness/tunl-process.ts';

const seen = new Set<string>();

/** The events of a run that has ended, each of which the schema allows. */
function eventsOf({ stderr }: Ended): EventLine[] {
  const events = readEvents(stderr);
  for (const { event } of events) seen.add(event);
  return events;
}

const names = (events: readonly EventLine[]) => events.map(({ event }) => event);

async function startListening(
  words: readonly string[],
  env?: Record<string, string>,
): Promise<Tunl & { place: string }> {
  const tunl = startTunl([...words, '--json'], env);
  const [, place = ''] = await tunl.waitFor(/"event":"listening".*"address":"([^"]*)"/);
  return { ...tunl, place };
}

function connectTo(place: string): Socket {
  const client = connect(Number(place.split(':').at(-1)), '127.0.0.1');
  client.on('error', () => {});
  onTestFinished(() => void client.destroy());
  return client;
}

/** Resolves once a socket is over, whether or not by a reset. */
const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

afterAll(() => {
  // A new event needs a run here, and a description in the schema.
  expect([...seen].toSorted()).toEqual(eventNames.toSorted());
});

test('the schema knows the codes of all failures, and no others', () => {
  expect(failureCodes.toSorted()).toEqual(Object.keys(errorTable).toSorted());
});

test('a forward tells of its listeners, of each tunnel and of its end', async () => {
  const target = await startTarget(echo);
  const socket = join(makeTempFolder(), 'tunl.sock');
  const specs = [`:127.0.0.1:${target.port}`, `unix:${socket}:127.0.0.1:${target.port}`];
  const { child, ended, place } = await startListening(['forward', '--direct', ...specs]);
  const client = connectTo(place);
  client.end('four');
  await once(client, 'data');
  await once(client, 'close');
  child.kill('SIGTERM');
  const events = eventsOf(await ended);
  expect(names(events)).toEqual(['listening', 'listening', 'tunnel.opened', 'tunnel.closed', 'draining']);
  const [tcp, unix, , last] = events;
  expect(tcp).toMatchObject({ role: 'forward', port: Number(place.split(':')[1]), target: `127.0.0.1:${target.port}` });
  expect(unix).not.toHaveProperty('port');
  expect(last).toMatchObject({ id: 1, sent: 4, received: 4, end: 'clean' });
});

test('a start in the background tells of the listeners, and where it went', async () => {
  const env = { XDG_STATE_HOME: makeTempFolder() };
  onTestFinished(async () => void (await runTunl(['stop', '--all'], env)));
  const events = eventsOf(await runTunl(['serve', '0', '--detach', '--name', 'edge', '--json'], env));
  expect(names(events)).toEqual(['listening', 'detached']);
  expect(events[1]).toMatchObject({ name: 'edge' });
  await runTunl(['stop', 'edge'], env);
  // What it said stays JSON to the end.
  expect(names(readEvents((await runTunl(['logs', 'edge'], env)).stdout))).toEqual(['listening', 'draining']);
});

test('a tunnel that does not come up is one event with all the facts, and so is one that breaks', async () => {
  const target = await startTarget(resetAfter(1));
  const specs = [':127.0.0.1:1', `:127.0.0.1:${target.port}`];
  const { child, ended, place, waitFor } = await startListening(['forward', '--direct', ...specs]);
  const [, second = ''] = await waitFor(new RegExp(`"address":"([^"]*)"[^\n]*"target":"127.0.0.1:${target.port}"`));
  await closed(connectTo(place));
  const client = connectTo(second);
  client.write('x');
  await closed(client);
  child.kill('SIGTERM');
  const events = eventsOf(await ended);
  expect(events.find(({ event }) => event === 'tunnel.failed')).toMatchObject({
    target: '127.0.0.1:1',
    code: 'connection_refused',
    side: 'target',
    hop: null,
    phase: 'connect',
    exit: 7,
  });
  expect(events.find(({ event }) => event === 'tunnel.closed')).toMatchObject({
    end: 'reset',
    side: 'target',
    sent: 1,
  });
});

test('a tunnel that loses its connection and goes on is an event each, and its end says how often', async () => {
  const target = await startTarget(echo);
  const serve = await startListening(['serve', '127.0.0.1:0', '--resume', '1m']);
  const box = await startMiddlebox(Number(serve.place.split(':')[1]));
  const hop = ['-x', `http://127.0.0.1:${box.port}?resume=1m`];
  const { child, ended, place, waitFor } = await startListening(['forward', `:127.0.0.1:${target.port}`, ...hop]);
  const client = connectTo(place);
  client.write('x');
  await once(client, 'data');
  box.cut();
  await waitFor(/"event":"tunnel.resumed"/);
  child.kill('SIGUSR2');
  await waitFor(/"event":"tunnels"/);
  client.end('y');
  await once(client, 'close');
  serve.child.kill('SIGTERM');
  child.kill('SIGTERM');
  const ofServe = names(eventsOf(await serve.ended)).filter((name) => name !== 'notice');
  const moves = ['tunnel.opened', 'tunnel.waiting', 'tunnel.resumed'];
  expect(ofServe).toEqual(['listening', ...moves, 'tunnel.closed', 'draining']);
  const events = eventsOf(await ended);
  expect(names(events)).toEqual(['listening', ...moves, 'tunnels', 'tunnel.closed', 'draining']);
  expect(events[2]).toMatchObject({ reason: expect.any(String) });
  expect(events[4]).toMatchObject({ tunnels: [{ waiting: false, resumed: 1 }] });
  expect(events[5]).toMatchObject({ end: 'clean', sent: 2, received: 2, resumed: 1 });
});

test('a signal tells of the tunnels, and a second one of those that were cut', async () => {
  const target = await startTarget(echo);
  const { child, ended, place, waitFor } = await startListening(['forward', '--direct', `:127.0.0.1:${target.port}`]);
  const client = connectTo(place);
  client.write('x');
  await once(client, 'data');
  child.kill('SIGUSR2');
  await waitFor(/"event":"tunnels"/);
  child.kill('SIGTERM');
  await waitFor(/"event":"draining"/);
  child.kill('SIGTERM');
  const events = eventsOf(await ended);
  expect(events.find(({ event }) => event === 'tunnels')).toMatchObject({ tunnels: [{ id: 1, sent: 1, received: 1 }] });
  expect(events.at(-1)).toMatchObject({ event: 'tunnel.closed', end: 'cut', side: 'self', reason: expect.any(String) });
});

test('a server and those who connect through it tell the same story', async () => {
  const target = await startTarget(echo);
  const env = { TUNL_SERVE_PASSWORD: 'hunter2', TUNL_PROXY_PASSWORD: 'hunter2' };
  const options = ['--tls', '--user', 'alice', '--deny', 'no.example'];
  const { child, ended, place, waitFor } = await startListening(['serve', '127.0.0.1:0', ...options], env);
  const [, pin] = await waitFor(/(sha256\/[\w-]{43})/);
  const proxy = ['-x', `https://alice@${place}?pin=${pin}`, '--json'];

  const good = startTunl(['connect', ...proxy, '-vv', `127.0.0.1:${target.port}`], env);
  good.child.stdin?.end('four');
  expect(names(eventsOf(await good.ended))).toEqual(
    expect.arrayContaining(['notice', 'tunnel.opened', 'tunnel.closed']),
  );

  const refused = await runTunl(['connect', ...proxy, 'no.example:22'], env);
  expect(eventsOf(refused)).toEqual(
    ['tunnel.failed', 'error'].map((event) => expect.objectContaining({ event, hop: 1, exit: 97, received: 403 })),
  );
  const stranger = await runTunl(['connect', ...proxy, 'no.example:22'], { TUNL_PROXY_PASSWORD: 'wrong' });
  expect(eventsOf(stranger).at(-1)).toMatchObject({ event: 'error', code: 'auth_required', side: 'hop', exit: 67 });

  child.kill('SIGTERM');
  const events = eventsOf(await ended);
  expect(events.find(({ event }) => event === 'notice')).toMatchObject({ level: 'warning' });
  expect(events.find(({ event }) => event === 'tunnel.closed')).toMatchObject({ user: 'alice', status: 200 });
  expect(events.filter(({ event }) => event === 'tunnel.failed').map(({ status }) => status)).toEqual([403, 407]);
});

test('bad arguments and commands that do not run are one event', async () => {
  expect(eventsOf(await runTunl(['forward', 'db:5432', '--json']))).toEqual([
    expect.objectContaining({ event: 'error', code: 'usage', side: 'self', phase: 'arguments', exit: 2 }),
  ]);
  const missing = eventsOf(await runTunl(['forward', '--direct', ':127.0.0.1:1', '--json', '--', '/no/such/program']));
  expect(missing.at(-1)).toMatchObject({ event: 'error', code: 'command_not_found', exit: 127 });
});

test('a command is listened for, and ended with', async () => {
  const target = await startTarget(echo);
  const script = makeScript(askScript, '{port}', 'four');
  const run = await runTunl(['forward', '--direct', `:127.0.0.1:${target.port}`, '--json', '--', ...script]);
  expect(run).toMatchObject({ code: 0, stdout: 'four' });
  expect(names(eventsOf(run))).toEqual(expect.arrayContaining(['listening', 'tunnel.opened', 'tunnel.closed']));
});

test('-q leaves failures only', async () => {
  const { child, ended, waitFor } = startTunl([
    'forward',
    '--direct',
    ':127.0.0.1:1',
    '-q',
    '--json',
    '--ready-fd',
    '1',
  ]);
  const [chunk] = (await once(child.stdout ?? expect.fail('no stdout'), 'data')) as [string];
  await closed(connectTo(chunk.trim()));
  await waitFor(/tunnel\.failed/);
  child.kill('SIGTERM');
  expect(names(eventsOf(await ended))).toEqual(['tunnel.failed']);
});
