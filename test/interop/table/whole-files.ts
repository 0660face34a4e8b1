import { eventually } from '../../support/eventually.ts';
import type { RawPeer } from '../../support/peers/raw-peer.ts';
import type { Bed } from '../support/bed.ts';
import { endClientFirst, exchange as exchangeWithProxy, openH1, openH2 } from './encapsulate-visits.ts';
import { answer, ask, found } from './http-visits.ts';
import type { Row } from './row.ts';
import { answered, askH1, askH2, exchange, tellRefusals } from './terminate-visits.ts';

/** Connects, sends a word each way and ends. */
async function exchangeRaw(bed: Bed, target = bed.origin): Promise<void> {
  const client = await bed.connect();
  const origin = await exchange(bed, client, target);
  client.fin();
  await bed.story.tellEnd('origin', origin);
  origin.fin();
  await bed.story.tellEnd('client', client);
}

/** Connects, and accepts the connection that this leads to, at either origin. */
async function connectToEither(
  bed: Bed,
): Promise<{ readonly client: RawPeer; readonly name: string; readonly proxy: RawPeer }> {
  const { origin, origin2 } = bed;
  const [before, before2] = [origin.accepted, origin2.accepted];
  const client = await bed.connect();
  await eventually(() => origin.accepted + origin2.accepted > before + before2, true);
  return origin.accepted > before
    ? { client, name: 'origin', proxy: await origin.accept() }
    : { client, name: 'origin2', proxy: await origin2.accept() };
}

/** Files as people lay them out: both ends in one, other notations, sockets, and everything around what matters. */
export const wholeFileRows: readonly Row[] = [
  {
    file: 'both-ends',
    seen: {
      'a tunnel within the process': {
        visit: (bed) => exchangeRaw(bed),
        story: ['origin: "ping"', 'client: "pong"', 'origin: fin', 'client: fin'],
      },
      'another target is not there': {
        visit: (bed) => tellRefusals(bed, ['other.internal:5432'], 'front2'),
        story: ['h1 other.internal:5432: 404', 'h2 other.internal:5432: :status: 404'],
      },
      'what is logged': {
        visit: async (bed) => {
          await bed.tellLog('near', 1);
          await bed.tellLog('far', 3);
        },
        story: [
          'near: 4 4',
          'far: CONNECT db.internal:5432 200 HTTP/2 origin',
          'far: CONNECT other.internal:5432 404 HTTP/1.1 -',
          'far: CONNECT other.internal:5432 404 HTTP/2 -',
        ],
      },
    },
  },
  {
    file: 'boilerplate',
    seen: {
      'a tunnel and a page': {
        visit: async (bed) => {
          await exchange(bed, await answered(bed, await askH1(bed)));
          await exchange(bed, await answered(bed, await askH2(bed)));
          await bed.story.tellMessage('page', await ask(bed, 'GET /healthz', 'connection: close\r\n'));
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
          'page: HTTP/1.1 200 | connection: close | content-length: 2 | content-type: text/plain | "ok"',
        ],
        better: {
          because: 'a text says in what it is written',
          story: [
            'client: HTTP/1.1 200',
            'origin: "ping"',
            'client: "pong"',
            'client: :status: 200',
            'origin: "ping"',
            'client: "pong"',
            'page: HTTP/1.1 200 | connection: close | content-length: 2 | content-type: text/plain; charset=utf-8 | "ok"',
          ],
        },
      },
    },
  },
  {
    file: 'anchors',
    seen: {
      'the same filters at two ports': {
        visit: async (bed) => {
          await exchange(bed, await answered(bed, await askH1(bed)));
          await exchange(bed, await answered(bed, await askH1(bed, 'host.com:443', '', 'front2')));
          await answer(bed, await ask(bed, 'GET /a', 'connection: close\r\n', '', 'front2'), found);
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'origin: GET /a HTTP/1.1 | host: host.com | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
    },
  },
  {
    file: 'json',
    seen: {
      'a tunnel in a POST over HTTP/2': {
        visit: async (bed) => {
          const tunnel = await openH2(bed);
          await exchangeWithProxy(bed, tunnel);
          await endClientFirst(bed, tunnel);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: POST | :path: / | :scheme: http | x-from: json',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: "last", fin',
          'client: "answer", fin',
        ],
      },
    },
  },
  {
    file: 'default-chain',
    seen: {
      bytes: {
        visit: (bed) => exchangeRaw(bed),
        story: ['origin: "ping"', 'client: "pong"', 'origin: fin', 'client: fin'],
      },
    },
  },
  {
    file: 'tcp-pipe',
    seen: {
      bytes: {
        visit: (bed) => exchangeRaw(bed),
        story: ['origin: "ping"', 'client: "pong"', 'origin: fin', 'client: fin'],
      },
      'what is logged': { visit: (bed) => bed.tellLog('log', 1), story: ['log: 4 4 ORIGIN'] },
    },
  },
  {
    file: 'tcp-priority',
    seen: {
      'the first place as long as it is there': {
        visit: async (bed) => {
          await exchangeRaw(bed);
          await exchangeRaw(bed);
        },
        story: [
          'origin: "ping"',
          'client: "pong"',
          'origin: fin',
          'client: fin',
          'origin: "ping"',
          'client: "pong"',
          'origin: fin',
          'client: fin',
        ],
      },
    },
  },
  {
    file: 'encapsulate-proxies',
    seen: {
      'each proxy in turn': {
        visit: async (bed) => {
          const turns = [];
          for (let turn = 0; turn < 4; turn += 1) {
            const { client, name, proxy } = await connectToEither(bed);
            turns.push(name);
            await bed.story.tellMessage('proxy', proxy);
            proxy.send('HTTP/1.1 200 OK\r\n\r\nhi');
            await bed.story.tellBytes('client', client, 2);
          }
          bed.story.tell('turns', turns.toSorted().join(' '));
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'client: "hi"',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'client: "hi"',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'client: "hi"',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'client: "hi"',
          'turns: origin origin origin2 origin2',
        ],
      },
      'a proxy that refuses': {
        visit: async (bed) => {
          const { client, proxy } = await connectToEither(bed);
          proxy.send('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
          await bed.story.tellEnd('client', client);
        },
        story: ['client: fin'],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: ['client: reset'],
        },
      },
    },
  },
  {
    file: 'tcp-rbac',
    seen: {
      'a client that is let through, with credentials for the proxy': {
        visit: async (bed) => {
          const tunnel = await openH1(bed);
          await exchangeWithProxy(bed, tunnel);
        },
        story: [
          'proxy: CONNECT db.internal:5432 HTTP/1.1 | host: db.internal:5432 | proxy-authorization: Basic YWxpY2U6c2VjcmV0 | x-client: 127.0.0.1',
          'proxy: "ping"',
          'client: "pong"',
        ],
      },
      'a client from elsewhere': {
        visit: async (bed) => {
          // tunl may reset it before it is known to be open.
          const client = await bed.connect('front', { from: '127.0.1.1' }).catch(() => undefined);
          client?.send('ping');
          // Envoy dials first.
          const asked = client && (await Promise.race([bed.origin.accept(), client.waitForEnd()]));
          if (typeof asked === 'object') asked.send('HTTP/1.1 200 OK\r\n\r\n');
          await client?.waitForEnd();
          bed.story.tell('client', client?.inbox.size ? 'bytes came' : 'nothing came');
          bed.story.tell('proxy', typeof asked === 'object' ? 'asked' : 'not asked');
        },
        story: ['client: nothing came', 'proxy: asked'],
        better: {
          because: 'nothing is dialled for a connection that may not pass',
          story: ['client: nothing came', 'proxy: not asked'],
        },
      },
      'both are counted': {
        visit: (bed) => bed.tellStats('rbac.(allowed|denied)$'),
        story: ['admin: front.rbac.allowed: 1', 'admin: front.rbac.denied: 1'],
      },
    },
  },
];
