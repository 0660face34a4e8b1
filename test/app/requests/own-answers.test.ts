import { writeFileSync } from 'node:fs';
import { connect as connectSession } from 'node:http2';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AnswerChange, OwnAnswers } from '../../../src/chain/model/http.ts';
import { eventually } from '../../support/eventually.ts';
import { startChain } from '../../support/harness/chain.ts';
import { answer, httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { refusedAddress } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

const status = (value: number): AnswerChange['when'] => [[{ kind: 'status', compare: '=', value }]];

/** Runs a stage with routes to an answer and to an upstream that refuses connections. */
async function start(answers: OwnAnswers | undefined) {
  const routes = [
    on('/found', answer('found\n')),
    on('/dead', requests()),
    on('CONNECT', tunnels()),
    on('/form', { kind: 'answer', status: 200, body: 'hi', form: { format: '<%LOCAL_REPLY_BODY% %REQ(x-a)%>' } }),
  ];
  const dead = upstream('main', refusedAddress);
  return startChain([httpStage('front', routes, [dead], answers && { answers })]);
}

/** Asks once, and gives the status, the type, the fields that begin with x- or grpc-, and the body. */
async function ask(port: number, first: string, fields = ''): Promise<string> {
  const client = await connectPeer(port);
  client.send(`${first} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`);
  const head = (await client.readHead()).replaceAll(/^[^:\r]+:/gm, (name) => name.toLowerCase());
  const bytes = first.startsWith('HEAD') ? 0 : Number(/^content-length: (\d+)/m.exec(head)?.[1] ?? 0);
  const body = (await client.read(bytes)).toString();
  const told = head.match(/^(?:content-type|x-\w+|grpc-\w+): .*(?=\r)/gm) ?? [];
  client.reset();
  return [head.slice(9, 12), ...told, JSON.stringify(body)].join(' | ');
}

test('the first change that fits is made, after those of routes', async () => {
  const chain = await start({
    changes: [
      { when: status(404), status: 410, body: 'gone', fields: { add: [{ name: 'x-was', value: '%RESPONSE_CODE%' }] } },
      { when: status(404), body: 'never' },
      {
        when: [[{ kind: 'flags', flags: ['UF'] }]],
        body: 'down',
        form: { format: '%LOCAL_REPLY_BODY% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_CLUSTER% %REQ(x-a)%' },
      },
    ],
  });
  const plain = 'content-type: text/plain; charset=utf-8';
  expect(await ask(chain.port, 'GET /none')).toBe(`410 | x-was: 404 | ${plain} | "gone"`);
  expect(await ask(chain.port, 'GET /dead', 'x-a: b\r\n')).toBe(`503 | ${plain} | "down 503 UF main b"`);
  expect(await ask(chain.port, 'CONNECT a.test:443')).toBe(`503 | ${plain} | "down 503 UF main -"`);
  expect(await ask(chain.port, 'GET /found')).toBe(`200 | ${plain} | "found\\n"`);
  expect(chain.eventsOf('tunnel.failed').map((event) => event.status)).toEqual([410, 503, 503]);
});

test('one form holds for all bodies, but for those whose change has another', async () => {
  const chain = await start({
    changes: [{ when: status(503), form: { format: '', type: 'text/html' } }],
    form: { format: { code: '%RESPONSE_CODE%', none: '%REQ(x-a)%', text: '%LOCAL_REPLY_BODY%' }, omitMissing: true },
  });
  const json = 'content-type: application/json';
  expect(await ask(chain.port, 'GET /found')).toBe(
    `200 | ${json} | ${JSON.stringify('{"code":200,"text":"found\\n"}\n')}`,
  );
  const lost = { code: 404, none: 'b', text: 'tunl: no route of the virtual host fits' };
  expect(await ask(chain.port, 'GET /none', 'x-a: b\r\naccept: text/html\r\n')).toBe(
    `404 | ${json} | ${JSON.stringify(`${JSON.stringify(lost)}\n`)}`,
  );
  expect(await ask(chain.port, 'GET /dead')).toBe('503 | ""');
  expect(await ask(chain.port, 'GET /form', 'x-a: b\r\n')).toBe(
    `200 | ${json} | ${JSON.stringify('{"code":200,"none":"b","text":"<hi b>"}\n')}`,
  );
});

test('the form of a route is written without any other', async () => {
  const chain = await start(undefined);
  expect(await ask(chain.port, 'GET /form')).toBe('200 | content-type: text/plain; charset=utf-8 | "<hi ->"');
});

test('the type of an answer is that of its body, unless the change writes one', async () => {
  const own = { set: [{ name: 'content-type', value: 'text/x-own' }] };
  const chain = await start({
    changes: [
      { when: status(404), body: 'a', fields: own },
      { when: status(200), fields: own },
    ],
  });
  expect(await ask(chain.port, 'GET /none')).toBe('404 | content-type: text/x-own | "a"');
  expect(await ask(chain.port, 'GET /found')).toBe('200 | content-type: text/x-own | "found\\n"');
});

test('a body comes from a file, and HEAD gets its length alone', async () => {
  const bodyFile = join(makeTempFolder(), 'gone.html');
  writeFileSync(bodyFile, '<p>gone</p>');
  const chain = await start({
    changes: [{ when: status(404), bodyFile, form: { format: '%LOCAL_REPLY_BODY%', type: 'text/html' } }],
  });
  expect(await ask(chain.port, 'GET /none')).toBe('404 | content-type: text/html | "<p>gone</p>"');
  const client = await connectPeer(chain.port);
  client.send('HEAD /none HTTP/1.1\r\nHost: a.test\r\n\r\nGET /found HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect(await client.readHead()).toMatch(/^content-length: 11\r$/im);
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
});

test('a file that is not there is named', async () => {
  const bodyFile = join(makeTempFolder(), 'none');
  await expect(start({ changes: [{ when: [[]], bodyFile }] })).rejects.toThrow(`cannot be read from ${bodyFile}`);
});

test('what is no request is answered so too', async () => {
  const chain = await start({ changes: [{ when: status(400), status: 451, body: 'bad' }] });
  expect(await ask(chain.port, 'GET /found', 'a b: c\r\n')).toBe(
    '451 | content-type: text/plain; charset=utf-8 | "bad"',
  );
  await eventually(() => chain.eventsOf('tunnel.failed').map((event) => event.status), [451]);
});

test('a call of gRPC gets its own kind of refusal', async () => {
  const call = 'content-type: application/grpc+proto\r\ncontent-length: 0\r\n';
  const chain = await start({ changes: [{ when: status(503), status: 429, body: '100% döwn\n' }] });
  const own = '200 | content-type: application/grpc';
  expect(await ask(chain.port, 'POST /dead', call)).toBe(
    `${own} | grpc-status: 14 | grpc-message: 100%25 d%C3%B6wn%0A | ""`,
  );
  expect(await ask(chain.port, 'POST /none', call)).toBe(
    `${own} | grpc-status: 12 | grpc-message: tunl: no route of the virtual host fits | ""`,
  );
  expect(await ask(chain.port, 'POST /found', call.replace('+proto', '-web'))).toMatch(/^200 \| .*found/);
});

test('over HTTP/2 too', async () => {
  const chain = await start({ changes: [], form: { format: '%PROTOCOL% %RESPONSE_CODE%' } });
  const session = connectSession(`http://127.0.0.1:${chain.port}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ':path': '/none' });
  const seen = new Promise((resolve) => stream.once('response', resolve));
  const body = (await stream.setEncoding('utf8').toArray()).join('');
  expect(await seen).toMatchObject({ ':status': 404, 'content-type': 'text/plain; charset=utf-8' });
  expect(body).toBe('HTTP/2 404');
});

test('a route answers those changes of protocol that it takes, and refuses others', async () => {
  const tea = { kind: 'answer', status: 418, upgrades: ['connect'] } as const;
  const chain = await startChain([httpStage('front', [on('CONNECT', tea), on('/', tea)])]);
  expect(await ask(chain.port, 'CONNECT a.test:443')).toBe('418 | ""');
  expect(await ask(chain.port, 'GET /', 'connection: upgrade\r\nupgrade: websocket\r\n')).toMatch(/^403 /);
});
