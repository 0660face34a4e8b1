import { makeHello } from '../../support/hello.ts';
import { ask } from './http-visits.ts';
import { exchange, openH1 } from './encapsulate-visits.ts';
import type { Row } from './row.ts';

/** Files in which each connection or request names the target of its tunnel. */
export const stateRows: readonly Row[] = [
  {
    file: 'encapsulate-named',
    seen: {
      'the server that a client asks for in TLS': {
        visit: async (bed) => {
          const client = await bed.connect();
          const hello = await makeHello('Db.Example');
          // The first bytes may come in pieces.
          client.send(hello.subarray(0, 7));
          client.send(hello.subarray(7));
          const proxy = await bed.origin.accept();
          await bed.story.tellMessage('proxy', proxy);
          proxy.send('HTTP/1.1 200 OK\r\n\r\n');
          bed.story.tell('proxy', `the same bytes: ${(await proxy.read(hello.length)).equals(hello)}`);
          client.reset();
          await bed.story.tellEnd('proxy', proxy);
          await bed.tellLog('access.log', 1);
        },
        story: [
          'proxy: CONNECT db.example:443 HTTP/1.1 | host: db.example:443',
          'proxy: the same bytes: true',
          'proxy: fin',
          'access.log: db.example -',
        ],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: [
            'proxy: CONNECT db.example:443 HTTP/1.1 | host: db.example:443',
            'proxy: the same bytes: true',
            'proxy: reset',
            'access.log: db.example -',
          ],
        },
      },
      'the address that a client has reached': {
        visit: async (bed) => exchange(bed, await openH1(bed, 'front2')),
        story: ['proxy: CONNECT FRONT2 HTTP/1.1 | host: FRONT2', 'proxy: "ping"', 'client: "pong"'],
      },
    },
  },
  {
    file: 'filter-state',
    seen: {
      'values of a connection': {
        visit: async (bed) => {
          const tunnel = await openH1(bed);
          await exchange(bed, tunnel);
          tunnel.client.fin();
          tunnel.proxy.fin();
          await tunnel.client.waitForEnd();
          await bed.tellLog('access.log', 1);
        },
        story: [
          'proxy: CONNECT port-FRONT.example:443 HTTP/1.1 | host: port-FRONT.example:443 | x-port: port-FRONT',
          'proxy: "ping"',
          'client: "pong"',
          'access.log: port-FRONT - -',
        ],
      },
      'values of requests, for a listener inside': {
        visit: async (bed) => {
          for (const name of ['one.example', 'two.example']) {
            const client = await ask(bed, 'GET /', `x-target: ${name}\r\n`, '', 'front2');
            const proxy = await bed.origin.accept();
            await bed.story.tellMessage('proxy', proxy);
            proxy.send('HTTP/1.1 200 OK\r\n\r\n');
            const head = await proxy.readHead();
            bed.story.tell('inside', head.split('\r\n')[0] ?? '');
            proxy.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi');
            await bed.story.tellMessage('client', client);
          }
        },
        story: ['one', 'two'].flatMap((name) => [
          `proxy: CONNECT ${name}.example:443 HTTP/1.1 | host: ${name}.example:443 | x-own: own is .`,
          'inside: GET / HTTP/1.1',
          'client: HTTP/1.1 200 | content-length: 2 | "hi"',
        ]),
      },
    },
  },
];
