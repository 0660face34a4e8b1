import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { calmLimits, makeHop, startTestForward, startTestServe, type TestApp } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, internal, proxyStage } from '../../support/graphs/graphs.ts';
import { writeHead } from '../../support/harness/plain-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const limits = { ...calmLimits, idleMs: 2000 };

/** A network before a port that can be out of order for a while: connections are cut then, and new ones refused. */
async function startNetwork(port: number) {
  const open = new Set<Socket>();
  let isBroken = false;
  const network = await startTarget((socket) => {
    if (isBroken) return void socket.destroy();
    const onward = connect({ port, host: '127.0.0.1' });
    for (const end of [socket, onward]) {
      open.add(end);
      end.on('error', () => {});
      end.once('close', () => void open.delete(end));
    }
    socket.pipe(onward).pipe(socket);
    onTestFinished(() => void onward.destroy());
  });
  return {
    port: network.port,
    break: () => {
      isBroken = true;
      for (const socket of open) socket.destroy();
    },
    mend: () => void (isBroken = false),
  };
}

/** Waits for as long as the idle limit lets a tunnel without a byte live. */
async function waitForIdle(): Promise<void> {
  const target = await startTarget();
  const control = await startTestForward(target.address, { limits });
  await connectPeer(control.port);
  await eventually(() => control.eventsOf('tunnel.closed').map(({ end }) => end), ['idle']);
}

/** A far end whose tunnels can be resumed, behind a network. */
async function startFarEnd() {
  const serve = await startTestServe({ resumeMs: 60_000 });
  const network = await startNetwork(serve.port);
  return { serve, network, hop: makeHop('http', network.port, { settings: { resume: '1m' } }) };
}

const waitForCut = (serve: TestApp) => eventually(() => serve.eventsOf('tunnel.waiting').length, 1);

test('the idle limit of an outer stage rests while an inner one waits for a transport', async () => {
  const target = await startTarget();
  const { serve, network, hop } = await startFarEnd();
  const chain = await startChain([
    forwardStage('outer', internal('inner'), { log: true, route: { limits } }),
    forwardStage('inner', target.address, { listen: 'internal', log: true, route: { limits, hops: [[hop]] } }),
  ]);
  const client = await connectPeer(chain.port);
  const far = await target.accept();
  client.send('one');
  expect((await far.read(3)).toString()).toBe('one');
  network.break();
  await waitForCut(serve);
  await eventually(() => chain.eventsOf('tunnel.waiting').length, 2);
  await waitForIdle();
  network.mend();
  far.send('two');
  expect((await client.read(3)).toString()).toBe('two');
  await eventually(() => chain.eventsOf('tunnel.resumed').map(({ stages }) => stages), [['outer', 'inner'], undefined]);
  client.fin();
  far.fin();
  await eventually(() => chain.eventsOf('tunnel.closed').map(({ end }) => end), ['clean', 'clean']);
});

test('the idle limit of a plain request rests while a hop waits', async () => {
  const target = await startTarget();
  const { serve, network, hop } = await startFarEnd();
  const near = await startTestServe({ accept: ['plain'], limits, hops: [hop] });
  const client = await connectPeer(near.port);
  const place = `http://127.0.0.1:${target.port}`;
  client.send(writeHead(`GET ${place}/a`));
  const far = await target.accept();
  await far.readHead();
  network.break();
  await waitForCut(serve);
  await waitForIdle();
  network.mend();
  far.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes');
  expect(await client.readUntil('yes')).toMatch(/^HTTP\/1\.1 200 /);
  // The limit runs again.
  client.send(writeHead(`GET ${place}/b`));
  await far.readHead();
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 504 /);
  await eventually(() => near.eventsOf('tunnel.failed').map(({ status }) => status), [504]);
});

test('the idle limit of an outer stage rests while a tunnel or a request of a proxy inside waits, and runs again', async () => {
  const target = await startTarget();
  const { serve, network, hop } = await startFarEnd();
  const inner = {
    listen: 'internal',
    open: true,
    accept: ['plain'],
    route: { limits: calmLimits, hops: [[hop]] },
  } as const;
  const chain = await startChain([
    forwardStage('outer', internal('inner'), { log: true, route: { limits } }),
    proxyStage('inner', inner),
  ]);
  const [tunnelled, asking] = [await connectPeer(chain.port), await connectPeer(chain.port)];
  tunnelled.send(writeHead(`CONNECT 127.0.0.1:${target.port}`));
  expect(await tunnelled.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  const far = await target.accept();
  asking.send(writeHead(`GET http://127.0.0.1:${target.port}/a`));
  const answering = await target.accept();
  await answering.readHead();
  network.break();
  await eventually(() => serve.eventsOf('tunnel.waiting').length, 2);
  // The request inside has no events before its answer.
  await eventually(() => chain.eventsOf('tunnel.waiting').length, 3);
  await waitForIdle();
  expect(chain.eventsOf('tunnel.closed')).toEqual([]);
  network.mend();
  far.send('two');
  expect((await tunnelled.read(3)).toString()).toBe('two');
  answering.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes');
  expect(await asking.readUntil('yes')).toMatch(/^HTTP\/1\.1 200 /);
  const idle = () => chain.eventsOf('tunnel.closed').filter(({ end }) => end === 'idle');
  await eventually(
    () => idle().map(({ target: to, resumed }) => [to, resumed]),
    [
      ['internal://inner', 1],
      ['internal://inner', 1],
    ],
  );
});

test('the idle limits of all tunnels in one session rest while a hop before it waits', async () => {
  const target = await startTarget();
  const last = await startTestServe({});
  const { serve, network, hop } = await startFarEnd();
  const near = await startTestForward(target.address, { limits, hops: [hop, makeHop('h2c', last.port)] });
  const [first, second] = [await connectPeer(near.port), await connectPeer(near.port)];
  const [one, other] = [await target.accept(), await target.accept()];
  await eventually(() => near.eventsOf('tunnel.opened').length, 2);
  expect(serve.eventsOf('tunnel.opened')).toHaveLength(1);
  network.break();
  await waitForCut(serve);
  await eventually(() => near.eventsOf('tunnel.waiting').length, 2);
  await waitForIdle();
  network.mend();
  one.send('one');
  other.send('two');
  const heard = await Promise.all([first.read(3), second.read(3)]);
  expect(heard.map(String).toSorted()).toEqual(['one', 'two']);
});
