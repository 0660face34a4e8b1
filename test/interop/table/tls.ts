import type { Bed, Door, TlsClient } from '../support/bed.ts';
import { exchange } from './terminate-visits.ts';
import type { Row } from './row.ts';

/** Asks for a page in TLS and tells its status, or that the connection is over. */
async function askFor(bed: Bed, own: TlsClient, door: Door = 'front'): Promise<void> {
  const client = await bed.connectTls(door, own).catch(() => undefined);
  client?.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await client?.readHead().then(
    (head) => bed.story.tell('client', head.slice('HTTP/1.1 '.length).slice(0, 3)),
    () => bed.story.tell('client', 'over'),
  );
}

/** Files whose clients speak TLS. */
export const tlsRows: readonly Row[] = [
  {
    file: 'tls-front',
    seen: {
      'a tunnel over HTTP/1.1 in TLS': {
        visit: async (bed) => {
          const client = await bed.connectTls('front', { alpn: ['http/1.1'], servername: 'localhost' });
          client.send('CONNECT host.com:443 HTTP/1.1\r\nhost: host.com:443\r\n\r\n');
          await bed.story.tellMessage('client', client);
          const origin = await exchange(bed, client);
          client.fin();
          await origin.waitForEnd();
          origin.fin();
          await client.waitForEnd();
          await bed.tellLog('access.log', 1);
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'access.log: HTTP/1.1 200 TLSv1.3 localhost 4',
        ],
      },
      'a tunnel over HTTP/2 in TLS': {
        visit: async (bed) => {
          const client = (await bed.connectHttp2('front', 'tls')).connect('host.com:443');
          bed.story.tell('client', await client.answer());
          const origin = await exchange(bed, client);
          client.fin();
          await origin.waitForEnd();
          origin.fin();
          await bed.story.tellEnd('client', client);
        },
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'client: fin'],
      },
      'a page without ALPN': {
        visit: async (bed) => {
          const client = await bed.connectTls();
          client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
          await bed.story.tellStatus('client', client);
        },
        story: ['client: 200'],
      },
      'bytes in TLS': {
        visit: async (bed) => {
          const client = await bed.connectTls('front2');
          const origin = await exchange(bed, client);
          client.fin();
          await bed.story.tellEnd('origin', origin);
          origin.send('last');
          origin.fin();
          await bed.story.tellEnd('client', client);
        },
        story: ['origin: "ping"', 'client: "pong"', 'origin: fin', 'client: "last", fin'],
      },
    },
  },
  {
    file: 'tcp-tls',
    seen: {
      'a client that ends first': {
        visit: async (bed) => {
          const client = await bed.connect();
          const origin = await exchange(bed, client);
          client.fin();
          await bed.story.tellEnd('origin', origin);
          origin.send('last');
          origin.fin();
          await bed.story.tellEnd('client', client);
        },
        story: ['origin: "ping"', 'client: "pong"', 'origin: fin', 'client: "last", fin'],
      },
      'an origin that ends first': {
        visit: async (bed) => {
          const client = await bed.connect();
          const origin = await exchange(bed, client);
          origin.fin();
          await bed.story.tellEnd('client', client);
          client.send('last');
          client.fin();
          await bed.story.tellEnd('origin', origin);
        },
        story: ['origin: "ping"', 'client: "pong"', 'client: fin', 'origin: "last", fin'],
      },
    },
  },
  {
    file: 'tls-clients',
    seen: {
      'a client with one of the names': {
        visit: (bed) => askFor(bed, { names: { uris: ['spiffe://td/a'] } }),
        story: ['client: 200'],
      },
      'a client with a wildcard for one of them': {
        visit: (bed) => askFor(bed, { names: { dns: ['b.example', '*.wild.example'] } }),
        story: ['client: 200'],
      },
      'a client with the address': {
        visit: (bed) => askFor(bed, { names: { ips: ['192.0.2.7'] } }),
        story: ['client: 200'],
      },
      'a client with the name in its subject alone': {
        visit: (bed) => askFor(bed, { names: { cn: 'a.wild.example' } }),
        story: ['client: over'],
      },
      'a client with other names': {
        visit: (bed) => askFor(bed, { names: { dns: ['b.example'], uris: ['spiffe://td/b'] } }),
        story: ['client: over'],
      },
      'a client with the name from an authority that is not trusted': {
        visit: (bed) => askFor(bed, { names: { uris: ['spiffe://td/a'] }, isStranger: true }),
        story: ['client: over'],
      },
      'a client without a certificate': { visit: (bed) => askFor(bed, {}), story: ['client: over'] },
      'where certificates are optional, clients of all kinds': {
        visit: async (bed) => {
          await askFor(bed, {}, 'front2');
          await askFor(bed, { names: { cn: 'alice' } }, 'front2');
          await askFor(bed, { names: { cn: 'mallory' }, isStranger: true }, 'front2');
          await bed.tellLog('access.log', 2);
        },
        story: ['client: 200', 'client: 200', 'client: over', 'access.log: 200 -', 'access.log: 200 CN=alice'],
      },
    },
  },
];
