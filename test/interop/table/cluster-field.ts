import { ask, found, webSocket } from './http-visits.ts';
import type { Row } from './row.ts';
import { askH1, exchange } from './terminate-visits.ts';

/** Files in which requests name their clusters. */
export const clusterFieldRows: readonly Row[] = [
  {
    file: 'http-cluster-field',
    seen: {
      'the cluster that is named': {
        visit: async (bed) => {
          const clusters = { origin: bed.origin, 'Other one': bed.origin2 };
          for (const [name, target] of Object.entries(clusters)) {
            const client = await ask(bed, 'GET /', `x-cluster: ${name}\r\n`);
            const origin = await target.accept();
            await bed.story.tellMessage(name, origin);
            origin.send(found);
            await bed.story.tellStatus('client', client);
          }
        },
        story: [
          'origin: GET / HTTP/1.1 | host: host.com | x-cluster: origin | x-forwarded-proto: http | x-request-id: *',
          'client: 200',
          'Other one: GET / HTTP/1.1 | host: host.com | x-cluster: Other one | x-forwarded-proto: http | x-request-id: *',
          'client: 200',
        ],
      },
      'none that is there': {
        visit: async (bed) => {
          for (const path of ['/', '/404', '/500']) {
            for (const field of ['', 'x-cluster: \r\n', 'x-cluster: Origin\r\n'])
              await bed.story.tellMessage(path, await ask(bed, `GET ${path}`, field));
          }
        },
        story: [503, 404, 500].flatMap((status) =>
          [1, 2, 3].map(() => `/${status === 503 ? '' : status}: HTTP/1.1 ${status} | content-length: 0`),
        ),
      },
      'a tunnel': {
        visit: async (bed) => {
          const client = await askH1(bed, 'host.com:443', 'x-cluster: Other one\r\n');
          await bed.story.tellStatus('client', client);
          await exchange(bed, client, bed.origin2);
        },
        story: ['client: 200', 'origin: "ping"', 'client: "pong"'],
      },
      'a tunnel to none that is there': {
        visit: async (bed) => bed.story.tellStatus('client', await askH1(bed)),
        story: ['client: 503'],
      },
      'a tunnel and a change of protocol that a route answers': {
        visit: async (bed) => {
          await bed.story.tellStatus('CONNECT', await askH1(bed, 'direct.com:443'));
          const client = await bed.connect();
          client.send(`GET / HTTP/1.1\r\nhost: direct.com\r\n${webSocket}\r\n`);
          await bed.story.tellStatus('WebSocket', client);
        },
        story: ['CONNECT: 418', 'WebSocket: 403'],
      },
    },
  },
];
