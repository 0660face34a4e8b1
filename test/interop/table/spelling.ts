import { exchange as exchangeThrough, openH1 as openThroughH1 } from './encapsulate-visits.ts';
import type { Row } from './row.ts';
import { answered, askH1, exchange } from './terminate-visits.ts';

/** Files in which the same things are written in other ways. */
export const spellingRows: readonly Row[] = [
  {
    file: 'loose-lists',
    seen: {
      'a tunnel, one without the field, and both in the log': {
        visit: async (bed) => {
          const client = await answered(bed, await askH1(bed, 'host.com:443', 'foo: bar\r\n'));
          await exchange(bed, client);
          client.reset();
          await bed.story.tellStatus('other', await askH1(bed));
          await bed.tellLog('log', 2);
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'other: 404',
          'log: CONNECT 200',
          'log: CONNECT 404',
        ],
      },
    },
  },
  {
    file: 'typed-struct',
    seen: {
      'a tunnel, in the log too': {
        visit: async (bed) => {
          const tunnel = await openThroughH1(bed);
          await exchangeThrough(bed, tunnel);
          tunnel.client.reset();
          await bed.tellLog('log', 1);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
          'log: 4 4',
        ],
      },
    },
  },
  {
    file: 'tcp-addresses',
    seen: {
      'bytes from both addresses': {
        visit: async (bed) => {
          for (const door of ['front', 'front2'] as const) {
            const client = await bed.connect(door);
            await exchange(bed, client);
            client.reset();
          }
        },
        story: ['origin: "ping"', 'client: "pong"', 'origin: "ping"', 'client: "pong"'],
      },
    },
  },
];
