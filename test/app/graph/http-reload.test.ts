import { connect as connectSession } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { startChain } from '../../support/harness/chain.ts';
import { inTime } from '../../support/eventually.ts';
import { readStream } from '../../support/harness/h2-request-bed.ts';
import { answer, httpStage, on, requests, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { toGraph } from '../../support/graphs/graphs.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('after a reload a connection has one more answer by the old routes, which says that it is the last', async () => {
  const chain = await startChain([httpStage('front', [on('/', answer('old'))])]);
  const [kept, early] = [await connectPeer(chain.port), await connectPeer(chain.port)];
  kept.send(get);
  await kept.readUntil('old');
  early.send('GET / HT');
  await chain.running.replace(toGraph({ stages: [httpStage('front', [on('/', answer('new'))])] }));
  kept.send(get);
  expect((await kept.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*old$/s);
  early.send('TP/1.1\r\nHost: a\r\n\r\n');
  expect((await early.readToEnd()).toString()).toMatch(/Connection: close\r\n.*old$/s);
  const late = await connectPeer(chain.port);
  late.send(get);
  expect(await late.readUntil('new')).not.toMatch(/Connection: close/);
});

test('a request that runs is answered by the upstream that it went to; a session takes no more of them', async () => {
  const target = await startTarget();
  const chain = await startChain([httpStage('front', [on('/', requests())], [upstream('main', target.address)])]);
  const session = connectSession(`http://127.0.0.1:${chain.port}`);
  onTestFinished(() => session.destroy());
  const reading = readStream(session.request({ ':path': '/' }));
  const served = await target.accept();
  await served.readHead();
  const goaway = new Promise((resolve) => session.once('goaway', resolve));
  await chain.running.replace(toGraph({ stages: [httpStage('front', [on('/', answer('new'))])] }));
  await inTime('GOAWAY', goaway);
  served.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold');
  expect(await reading).toMatchObject({ body: 'old' });
  await inTime('the end of the session', new Promise((resolve) => session.once('close', resolve)));
  served.fin();
});
