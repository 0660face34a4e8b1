import type { Row } from './row.ts';
import { askForPage, answered, askH1, askH2, exchange, openH2, overH1, overH2 } from './terminate-visits.ts';

/** Files that end tunnels. */
export const terminateTunnelRows: readonly Row[] = [
  {
    file: 'terminate-fixed',
    seen: {
      'HTTP/1.1: bytes sent with the request arrive, and those of the target': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('CONNECT host.com:443 HTTP/1.1\r\nhost: other.com\r\n\r\nping');
          const origin = await bed.origin.accept();
          await bed.story.tellMessage('client', client);
          await bed.story.tellBytes('origin', origin, 4);
        },
        story: ['client: HTTP/1.1 200', 'origin: "ping"'],
      },
      'HTTP/1.1: an expectation that nobody knows is passed over': {
        visit: async (bed) =>
          void (await exchange(bed, await answered(bed, await askH1(bed, 'host.com:443', 'expect: the-moon\r\n')))),
        story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"'],
      },
      'HTTP/1.1: a client that ends first': {
        visit: overH1.clientFirst,
        story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'origin: "last", fin', 'client: fin'],
        better: {
          because: 'one direction ends, and the other goes on',
          story: [
            'client: HTTP/1.1 200',
            'origin: "ping"',
            'client: "pong"',
            'origin: "last", fin',
            'client: "answer", fin',
          ],
        },
      },
      'HTTP/1.1: a target that ends first': {
        visit: overH1.originFirst,
        story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'client: "last", fin', 'origin: fin'],
        better: {
          because: 'one direction ends, and the other goes on',
          story: [
            'client: HTTP/1.1 200',
            'origin: "ping"',
            'client: "pong"',
            'client: "last", fin',
            'origin: "rest", fin',
          ],
        },
      },
      'HTTP/1.1: a reset of the client': {
        visit: overH1.clientReset,
        story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'origin: fin'],
        better: {
          because: 'a reset goes on as a reset',
          story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'origin: reset'],
        },
      },
      'HTTP/1.1: a reset of the target': {
        visit: overH1.originReset,
        story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'client: fin'],
        better: {
          because: 'a reset goes on as a reset',
          story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'client: reset'],
        },
      },
      'HTTP/2: a client that ends first': {
        visit: overH2.clientFirst,
        story: [
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
          'origin: "last", fin',
          'client: "answer", fin',
        ],
      },
      'HTTP/2: a target that ends first': {
        visit: overH2.originFirst,
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'client: "last", fin', 'origin: fin'],
        better: {
          because: 'one direction ends, and the other goes on',
          story: [
            'client: :status: 200',
            'origin: "ping"',
            'client: "pong"',
            'client: "last", fin',
            'origin: "rest", fin',
          ],
        },
      },
      'HTTP/2: a reset of the client': {
        visit: overH2.clientReset,
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'origin: fin'],
        better: {
          because: 'a reset goes on as a reset',
          story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'origin: reset'],
        },
      },
      'HTTP/2: a reset of the target': {
        visit: overH2.originReset,
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'client: reset'],
      },
      'nothing but CONNECT': {
        visit: askForPage,
        story: ['client: 404'],
      },
    },
  },
  {
    file: 'terminate-asked',
    seen: {
      'with the field the tunnel leads to what it asks for': {
        visit: async (bed) => {
          const authority = `127.0.0.1:${bed.origin.port}`;
          for (const client of [
            await askH1(bed, authority, 'foo: bar\r\n'),
            await askH2(bed, authority, { foo: 'bar' }),
          ])
            await exchange(bed, await answered(bed, client));
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
        ],
      },
      'without it to the one place': {
        visit: async (bed) => {
          for (const client of [await askH1(bed, 'host.com:443', 'foo: baz\r\n'), await askH2(bed)])
            await exchange(bed, await answered(bed, client), bed.origin2);
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
        ],
      },
      'a name is no address': {
        visit: async (bed) =>
          bed.story.tellStatus('client', await askH1(bed, `localhost:${bed.origin.port}`, 'foo: bar\r\n')),
        story: ['client: 503'],
      },
    },
  },
  {
    file: 'terminate-h2',
    seen: {
      'a tunnel over HTTP/2': {
        visit: async (bed) => void (await exchange(bed, await openH2(bed))),
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"'],
      },
      'an extended CONNECT for bytes': {
        visit: async (bed) => {
          const session = await bed.connectHttp2();
          const client = session.connect('host.com:443', {
            ':protocol': 'bytestream',
            ':scheme': 'http',
            ':path': '/',
          });
          bed.story.tell('client', await client.answer());
          await exchange(bed, client);
        },
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"'],
      },
    },
  },
  {
    file: 'terminate-post',
    seen: {
      'a POST over HTTP/2 is a tunnel': {
        visit: async (bed) => {
          const session = await bed.connectHttp2();
          const client = session.ask({ ':method': 'POST', ':path': '/', ':authority': 'host.com:443' }, 'open');
          const origin = await exchange(bed, client);
          bed.story.tell('client', await client.answer());
          client.fin();
          await bed.story.tellEnd('origin', origin);
          origin.send('answer');
          origin.fin();
          await bed.story.tellEnd('client', client);
        },
        story: ['origin: "ping"', 'client: "pong"', 'client: :status: 200', 'origin: fin', 'client: "answer", fin'],
        better: {
          because: 'the answer says that nobody may keep it',
          story: [
            'origin: "ping"',
            'client: "pong"',
            'client: :status: 200 | cache-control: no-store, no-transform | x-accel-buffering: no',
            'origin: fin',
            'client: "answer", fin',
          ],
        },
      },
      'a POST over HTTP/1.1 is a tunnel': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('POST / HTTP/1.1\r\nhost: host.com:443\r\ntransfer-encoding: chunked\r\n\r\n4\r\nping\r\n');
          const origin = await bed.origin.accept();
          await bed.story.tellBytes('origin', origin, 4);
          await bed.story.tellMessage('client', client);
          client.send('0\r\n\r\n');
          await bed.story.tellEnd('origin', origin);
          origin.send('answer');
          origin.fin();
          await bed.story.tellBytes('client', client, '6\r\nanswer\r\n0\r\n\r\n'.length);
        },
        story: [
          'origin: "ping"',
          'client: HTTP/1.1 200 | connection: close | transfer-encoding: chunked',
          'origin: fin',
          'client: "6\\r\\nanswer\\r\\n0\\r\\n\\r\\n"',
        ],
        better: {
          because: 'the answer says that nobody may keep it',
          story: [
            'origin: "ping"',
            'client: HTTP/1.1 200 | cache-control: no-store, no-transform | connection: close | transfer-encoding: chunked | x-accel-buffering: no',
            'origin: fin',
            'client: "6\\r\\nanswer\\r\\n0\\r\\n\\r\\n"',
          ],
        },
      },
      'nothing but POST': {
        visit: askForPage,
        story: ['client: 404'],
      },
    },
  },
  {
    file: 'terminate-proxy-protocol',
    seen: {
      'a line of text before the first byte': {
        visit: async (bed) => {
          const client = await askH1(bed);
          const origin = await bed.origin.accept();
          bed.story.tell('origin', await origin.readUntil('\r\n'));
          await bed.story.tellMessage('client', client);
          client.send('ping');
          await bed.story.tellBytes('origin', origin, 4);
        },
        story: ['origin: PROXY TCP4 127.0.0.1 127.0.0.1 CLIENT FRONT\r\n', 'client: HTTP/1.1 200', 'origin: "ping"'],
      },
      'the second version': {
        visit: async (bed) => {
          const client = await askH1(bed, 'host.com:443', '', 'front2');
          const origin = await bed.origin.accept();
          const head = await origin.read(28);
          bed.story.tell(
            'origin',
            `${head.toString('hex', 0, 24)} from ${head.readUInt16BE(24)} to ${head.readUInt16BE(26)}`,
          );
          await bed.story.tellMessage('client', client);
          client.send('ping');
          await bed.story.tellBytes('origin', origin, 4);
        },
        story: [
          'origin: 0d0a0d0a000d0a515549540a2111000c7f0000017f000001 from CLIENT to FRONT2',
          'client: HTTP/1.1 200',
          'origin: "ping"',
        ],
      },
    },
  },
];
