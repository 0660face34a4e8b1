import type { Bed } from '../support/bed.ts';
import { ask } from './http-visits.ts';
import type { Row } from './row.ts';
import { exchange, openH1, openH2 } from './terminate-visits.ts';

const because = 'what was cut ends with a reset: a clean end would look like a whole answer';

/** Opens a tunnel, and tells how both sides see its end. */
const outlive = (open: typeof openH1) => async (bed: Bed) => {
  const client = await open(bed);
  const origin = await exchange(bed, client);
  await bed.story.tellEnd('origin', origin);
  await bed.story.tellEnd('client', client);
};

/** Files in which requests and tunnels end at a certain age. */
export const lifetimeRows: readonly Row[] = [
  {
    file: 'http-lifetimes',
    seen: {
      'a request that gets no answer': {
        visit: async (bed) => {
          for (const path of ['/', '/short']) {
            await bed.story.tellStatus(path, await ask(bed, `GET ${path}`));
            await bed.origin.accept();
          }
        },
        story: ['/: 504', '/short: 504'],
      },
      'a client that stalls': {
        visit: async (bed) => {
          await bed.story.tellStatus('client', await ask(bed, 'POST /short', 'content-length: 8\r\n', 'ping'));
          await bed.origin.accept();
        },
        story: ['client: 408'],
      },
      'an answer that goes on': {
        visit: async (bed) => {
          const client = await ask(bed, 'GET /short');
          const origin = await bed.origin.accept();
          origin.send('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nping');
          await bed.story.tellStatus('client', client);
          await bed.story.tellEnd('client', client);
        },
        story: ['client: 200', 'client: "ping", fin'],
        better: { because, story: ['client: 200', 'client: "ping", reset'] },
      },
      'a tunnel over HTTP/1.1': {
        visit: outlive(openH1),
        story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'origin: fin', 'client: fin'],
        better: {
          because,
          story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'origin: reset', 'client: reset'],
        },
      },
      'a tunnel over HTTP/2': {
        visit: outlive(openH2),
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'origin: fin', 'client: reset'],
        better: {
          because,
          story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'origin: reset', 'client: reset'],
        },
      },
      'what is logged': {
        visit: (bed) => bed.tellLog('access.log', 6),
        story: [
          'access.log: GET / 504 - max_duration_timeout',
          'access.log: GET /short 504 - max_duration_timeout',
          'access.log: POST /short 408 - max_duration_timeout',
          'access.log: GET /short 200 - max_duration_timeout',
          'access.log: CONNECT - 200 - max_duration_timeout',
          'access.log: CONNECT - 200 - max_duration_timeout',
        ],
      },
      'no limit, instead of the one of the manager': {
        visit: async (bed) => {
          const client = await ask(bed, 'GET /endless');
          const origin = await bed.origin.accept();
          await bed.story.tellStatus('other', await ask(bed, 'GET /'));
          origin.send('HTTP/1.1 204 No Content\r\n\r\n');
          await bed.story.tellStatus('client', client);
        },
        story: ['other: 504', 'client: 204'],
      },
    },
  },
];
