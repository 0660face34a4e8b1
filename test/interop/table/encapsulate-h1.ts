import type { Row } from './row.ts';
import { exchange, openH1, overH1 } from './encapsulate-visits.ts';

/** Files that send connections through tunnels over HTTP/1.1. */
export const encapsulateH1Rows: readonly Row[] = [
  {
    file: 'encapsulate-h1',
    seen: {
      'what the client says early is held until the proxy has answered': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('early');
          const proxy = await bed.origin.accept();
          await bed.story.tellMessage('proxy', proxy);
          bed.story.tell('proxy', `${proxy.inbox.size} bytes more`);
          proxy.send('HTTP/1.1 200 OK\r\nx-more: 1\r\n\r\nhello');
          await bed.story.tellBytes('client', client, 5);
          await bed.story.tellBytes('proxy', proxy, 5);
          proxy.fin();
          await bed.story.tellEnd('client', client);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: 0 bytes more',
          'client: "hello"',
          'proxy: "early"',
          'client: fin',
        ],
      },
      'the second port adds a field': {
        visit: async (bed) => exchange(bed, await openH1(bed, 'front2')),
        story: [
          'proxy: CONNECT 127.0.0.1:10003 HTTP/1.1 | foo: bar | host: 127.0.0.1:10003',
          'proxy: "ping"',
          'client: "pong"',
        ],
      },
      'any 2xx opens the tunnel, and its length and coding mean nothing': {
        visit: async (bed) => {
          const lengthy = 'HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n';
          const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
          for (const answer of [lengthy, chunked]) await exchange(bed, await openH1(bed, 'front', answer));
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
        ],
      },
      'a proxy that refuses, with a body that never ends': {
        visit: async (bed) => {
          const endless = 'HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n';
          const { client, proxy } = await openH1(bed, 'front', endless);
          await bed.story.tellEnd('client', client);
          await bed.story.tellEnd('proxy', proxy);
        },
        story: ['proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443', 'client: fin', 'proxy: fin'],
        better: {
          because: 'a tunnel that came to nothing ends with a reset: a clean end would look like a whole answer',
          story: ['proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443', 'client: reset', 'proxy: fin'],
        },
      },
      'a proxy that is lost before its answer': {
        visit: async (bed) => {
          const ended = await openH1(bed, 'front', '');
          ended.proxy.fin();
          await bed.story.tellEnd('client', ended.client);
          const cut = await openH1(bed, 'front', 'HTTP/1.1 20');
          cut.proxy.reset();
          await bed.story.tellEnd('client', cut.client);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'client: fin',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'client: fin',
        ],
        better: {
          because: 'a tunnel that came to nothing ends with a reset: a clean end would look like a whole answer',
          story: [
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'client: reset',
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'client: reset',
          ],
        },
      },
      'a client that ends first': {
        visit: overH1.clientFirst,
        story: ['proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443', 'proxy: "last", fin', 'client: fin'],
        better: {
          because: 'one direction ends, and the other goes on',
          story: [
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'proxy: "last", fin',
            'client: "answer", fin',
          ],
        },
      },
      'a proxy that ends first': {
        visit: overH1.proxyFirst,
        story: ['proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443', 'client: "last", fin', 'proxy: fin'],
        better: {
          because: 'one direction ends, and the other goes on',
          story: [
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'client: "last", fin',
            'proxy: "rest", fin',
          ],
        },
      },
      'a reset of the client': {
        visit: overH1.clientReset,
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: fin',
        ],
        better: {
          because: 'a reset goes on as a reset',
          story: [
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'proxy: "ping"',
            'client: "pong"',
            'proxy: reset',
          ],
        },
      },
      'a reset of the proxy': {
        visit: overH1.proxyReset,
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
          'client: fin',
        ],
        better: {
          because: 'a reset goes on as a reset',
          story: [
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'proxy: "ping"',
            'client: "pong"',
            'client: reset',
          ],
        },
      },
      'a refusal ends the connection': {
        visit: async (bed) => {
          const { client } = await openH1(bed, 'front', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
          await bed.story.tellEnd('client', client);
        },
        story: ['proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443', 'client: fin'],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: ['proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443', 'client: reset'],
        },
      },
    },
  },
  {
    file: 'encapsulate-h1-log',
    seen: {
      'an open tunnel and a refused one': {
        visit: async (bed) => {
          const tunnel = await openH1(bed);
          await exchange(bed, tunnel);
          tunnel.proxy.fin();
          tunnel.client.fin();
          await bed.story.tellEnd('client', tunnel.client);
          await bed.tellLog('access.log', 1);
          const refused = await openH1(bed, 'front', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
          await refused.client.waitForEnd();
          await bed.tellLog('access.log', 2);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
          'client: fin',
          'access.log: - 4 4 ORIGIN',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'access.log: - 4 4 ORIGIN',
          'access.log: UF,URX 0 0 ORIGIN',
        ],
      },
    },
  },
  {
    file: 'encapsulate-attempts',
    seen: {
      'the third attempt opens the tunnel': {
        visit: async (bed) => {
          const client = await bed.connect();
          for (const answer of ['503 Busy\r\ncontent-length: 0', '403 Forbidden\r\ncontent-length: 0', '200 OK']) {
            const proxy = await bed.origin.accept();
            await bed.story.tellMessage('proxy', proxy);
            proxy.send(`HTTP/1.1 ${answer}\r\n\r\n`);
            if (answer === '200 OK') await exchange(bed, { client, proxy });
          }
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
        ],
      },
      'no more than three': {
        visit: async (bed) => {
          const client = await bed.connect();
          for (let attempt = 0; attempt < 3; attempt++) {
            const proxy = await bed.origin.accept();
            await bed.story.tellMessage('proxy', proxy);
            proxy.send('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n');
          }
          await bed.story.tellEnd('client', client);
          bed.story.tell('proxy', `${bed.origin.accepted} connections`);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'client: fin',
          'proxy: 6 connections',
        ],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: [
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
            'client: reset',
            'proxy: 6 connections',
          ],
        },
      },
    },
  },
];
