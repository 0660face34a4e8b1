import { eventually } from '../../support/eventually.ts';
import type { Row } from './row.ts';
import { endClientFirst, exchange, openH1, openH2, overH2 } from './encapsulate-visits.ts';

/** Files that send connections through tunnels over HTTP/2, or over both. */
export const encapsulateH2Rows: readonly Row[] = [
  {
    file: 'encapsulate-h2',
    seen: {
      'two connections are two streams of one': {
        visit: async (bed) => {
          const tunnels = [await openH2(bed), await openH2(bed)];
          for (const tunnel of tunnels) await exchange(bed, tunnel);
          bed.story.tell('proxy', `${bed.h2origin.accepted} connection`);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: 1 connection',
        ],
      },
      'what the client says early is held until the proxy has answered': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('early');
          const proxy = await bed.h2origin.accept();
          bed.story.tell('proxy', `${proxy.inbox.size} bytes`);
          proxy.answer(200);
          await bed.story.tellBytes('proxy', proxy, 5);
        },
        story: ['proxy: 0 bytes', 'proxy: "early"'],
      },
      'a proxy that refuses, with a body that never ends': {
        visit: async (bed) => {
          const { client, proxy } = await openH2(bed, 'front', 503);
          proxy.send('hello');
          await bed.story.tellEnd('client', client);
          await eventually(() => proxy.http2.closed, true);
          bed.story.tell('proxy', 'the stream is over');
          await exchange(bed, await openH2(bed));
          bed.story.tell('proxy', `${bed.h2origin.accepted} connection`);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'client: fin',
          'proxy: the stream is over',
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: 1 connection',
        ],
        better: {
          because: 'a tunnel that came to nothing ends with a reset: a clean end would look like a whole answer',
          story: [
            'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
            'client: reset',
            'proxy: the stream is over',
            'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
            'proxy: "ping"',
            'client: "pong"',
            'proxy: 1 connection',
          ],
        },
      },
      'a proxy that is lost before its answer': {
        visit: async (bed) => {
          const client = await bed.connect();
          (await bed.h2origin.accept()).http2.session?.destroy();
          await bed.story.tellEnd('client', client);
          const other = await bed.connect();
          (await bed.h2origin.accept()).reset();
          await bed.story.tellEnd('client', other);
          await exchange(bed, await openH2(bed));
          bed.story.tell('proxy', `${bed.h2origin.accepted} connections`);
        },
        story: [
          'client: fin',
          'client: fin',
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: 2 connections',
        ],
        better: {
          because: 'a tunnel that came to nothing ends with a reset: a clean end would look like a whole answer',
          story: [
            'client: reset',
            'client: reset',
            'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
            'proxy: "ping"',
            'client: "pong"',
            'proxy: 2 connections',
          ],
        },
      },
      'a client that ends first': {
        visit: overH2.clientFirst,
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'proxy: "last", fin',
          'client: "answer", fin',
        ],
      },
      'a proxy that ends first': {
        visit: overH2.proxyFirst,
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'client: "last", fin',
          'proxy: "rest", fin',
        ],
      },
      'a reset of the client': {
        visit: overH2.clientReset,
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: reset',
        ],
      },
      'a reset of the stream': {
        visit: overH2.proxyReset,
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
          'proxy: "ping"',
          'client: "pong"',
          'client: fin',
        ],
        better: {
          because: 'a reset goes on as a reset',
          story: [
            'proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT',
            'proxy: "ping"',
            'client: "pong"',
            'client: reset',
          ],
        },
      },
      'a refusal ends the connection': {
        visit: async (bed) => {
          const { client } = await openH2(bed, 'front', 407);
          await bed.story.tellEnd('client', client);
        },
        story: ['proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT', 'client: fin'],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: ['proxy: :authority: host.com:443 | :method: CONNECT | original_dst_port: FRONT', 'client: reset'],
        },
      },
    },
  },
  {
    file: 'encapsulate-post',
    seen: {
      'a POST to the root': {
        visit: async (bed) => {
          const tunnel = await openH2(bed);
          await exchange(bed, tunnel);
          await endClientFirst(bed, tunnel);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: POST | :path: / | :scheme: http',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: "last", fin',
          'client: "answer", fin',
        ],
      },
      'a POST to a path': {
        visit: async (bed) => exchange(bed, await openH2(bed, 'front2')),
        story: [
          'proxy: :authority: host.com:443 | :method: POST | :path: /tunnel | :scheme: http',
          'proxy: "ping"',
          'client: "pong"',
        ],
      },
      'a proxy that ends first': {
        visit: overH2.proxyFirst,
        story: [
          'proxy: :authority: host.com:443 | :method: POST | :path: / | :scheme: http',
          'client: "last", fin',
          'proxy: "rest", fin',
        ],
      },
    },
  },
  {
    file: 'encapsulate-formats',
    seen: {
      'operators are filled in': {
        visit: async (bed) => exchange(bed, await openH1(bed)),
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443 | x-client: at 127.0.0.1 | x-percent: 100%',
          'proxy: "ping"',
          'client: "pong"',
        ],
      },
    },
  },
  {
    file: 'encapsulate-deprecated',
    seen: {
      'HTTP/2': {
        visit: async (bed) => exchange(bed, await openH2(bed)),
        story: ['proxy: :authority: host.com:443 | :method: CONNECT', 'proxy: "ping"', 'client: "pong"'],
      },
      'HTTP/1.1': {
        visit: async (bed) => exchange(bed, await openH1(bed, 'front2')),
        story: ['proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443', 'proxy: "ping"', 'client: "pong"'],
      },
    },
  },
  {
    file: 'encapsulate-internal',
    seen: {
      'a client that ends first': {
        visit: overH2.clientFirst,
        story: ['proxy: :authority: host.com:443 | :method: CONNECT', 'proxy: "last", fin', 'client: "answer", fin'],
      },
      'a proxy that ends first': {
        visit: overH2.proxyFirst,
        story: ['proxy: :authority: host.com:443 | :method: CONNECT', 'client: "last", fin', 'proxy: "rest", fin'],
      },
      'a reset of the client': {
        visit: overH2.clientReset,
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: reset',
        ],
      },
      'a reset of the stream': {
        visit: overH2.proxyReset,
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT',
          'proxy: "ping"',
          'client: "pong"',
          'client: reset',
        ],
      },
    },
  },
  {
    file: 'camel-case',
    seen: {
      'a tunnel': {
        visit: async (bed) => exchange(bed, await openH2(bed)),
        story: [
          'proxy: :authority: host.com:443 | :method: POST | :path: /camel | :scheme: http | foo: bar',
          'proxy: "ping"',
          'client: "pong"',
        ],
      },
    },
  },
];
