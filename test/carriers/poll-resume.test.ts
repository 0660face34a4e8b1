import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readField } from '../../src/resume/fields.ts';
import { failureOf } from '../conformance/carrier-bed.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { startHttpMiddlebox } from '../support/peers/http-middlebox.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget, type Target } from '../support/targets/plain.ts';

const accept = ['poll'];

async function dial(port: number, settings: Readonly<Record<string, string>>, target: Target) {
  const route = await makeRoute([makeHop('poll+http', port, { settings })]);
  return route.dial(target.address, makeContext(target.address));
}

test.each([
  ['resets the connection without an answer', '', 'reset'],
  ['ends the connection without an answer', '', 'fin'],
  ['ends the connection in the head of its answer', 'HTTP/1.1 200 OK\r\nContent-Le', 'fin'],
  ['ends the connection in the body of its answer', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour', 'fin'],
] as const)('a far end that %s is named', async (_, answer, end) => {
  const far = await startTarget();
  const failure = failureOf(dial(far.port, {}, far));
  const peer = await far.accept();
  await peer.readHead();
  if (answer) peer.send(answer);
  peer[end]();
  const error = await failure;
  expect([error.code, error.side, error.phase]).toEqual(['http_response_incomplete', 'hop', 'handshake']);
  expect(error.facts.hop).toEqual({ index: 1, count: 1 });
  expect(error.message).toMatch(new RegExp(`^127\\.0\\.0\\.1:${far.port} (did not answer|closed|reset) .*POST `));
});

test.each([
  [undefined, 60],
  ['10m', 600],
  ['1s', 1],
  ['0s', 0],
])('with resume=%s it asks the far end to wait %i seconds', async (resume, hold) => {
  const far = await startTarget();
  const failure = failureOf(dial(far.port, resume === undefined ? {} : { resume }, far));
  const peer = await far.accept();
  const value = /tunl-resume: (.*)\r\n/i.exec(await peer.readHead())?.[1] ?? '';
  expect(readField([['Tunl-Resume', value]])).toMatchObject({ kind: 'open', hold });
  peer.reset();
  await failure;
});

test.each([
  ['0s', 'reset'],
  ['1m', 'fin'],
] as const)('with resume=%s a tunnel whose requests are forbidden once ends by a %s', async (resume, end) => {
  const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
  const box = await startHttpMiddlebox(serve.port, (index) => (index === 3 ? 'forbid' : 'pass'));
  const client = new RawPeer(await dial(box.port, { resume }, target));
  client.send('a word');
  client.fin();
  expect(await client.waitForEnd()).toBe(end);
  expect(serve.eventsOf('tunnel.resumed')).toHaveLength(end === 'fin' ? 1 : 0);
});

test('fields that are filled in for a tunnel go with the requests of each transport', async () => {
  const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
  const seen: string[] = [];
  const recorder = await startTarget((socket) => {
    const onward = connect({ port: serve.port, host: '127.0.0.1' }).on('error', () => {});
    const at = seen.push('') - 1;
    socket.on('data', (bytes) => (seen[at] += bytes.toString('latin1'))).on('error', () => {});
    socket.pipe(onward).pipe(socket);
    onTestFinished(() => void onward.destroy());
  });
  const box = await startHttpMiddlebox(recorder.port, (index) => (index === 3 ? 'forbid' : 'pass'));
  const hop = makeHop('poll+http', box.port, { formats: [['X-From', 'tunl%PROTOCOL%']] });
  const route = await makeRoute([hop]);
  const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
  client.send('a word');
  client.fin();
  expect(await client.waitForEnd()).toBe('fin');
  expect(serve.eventsOf('tunnel.resumed')).toHaveLength(1);
  const heads = seen
    .join('')
    .split(/(?=(?:POST|GET) \/\.well-known)/)
    .filter((head) => head.includes(' HTTP/1.1\r\n'));
  expect(heads.filter((head) => head.includes('/tcp/'))).toHaveLength(2);
  expect(heads.filter((head) => !/^x-from: tunl/im.test(head))).toEqual([]);
});

test('plain tunnels are not to be had, and are not asked for', async () => {
  await expect(makeRoute([makeHop('poll+http', 1, { settings: { resume: '1m,optional' } })])).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/^the tunnels of poll\+http:\/\/\S+ can always be resumed$/),
  });
});
