import type { Row } from './row.ts';
import { answered, askForPage, askH1, askH2, exchange, tellRefusals } from './terminate-visits.ts';

/** Files with which tunnels lead wherever they ask. */
export const proxyRows: readonly Row[] = [
  {
    file: 'proxy-dynamic',
    seen: {
      'a name leads to what it stands for, and what is expected beside 100-continue to nothing': {
        visit: async (bed) => {
          const authority = `localhost:${bed.origin.port}`;
          await exchange(bed, await answered(bed, await askH1(bed, authority, 'expect: the-moon\r\n')));
          await exchange(bed, await answered(bed, await askH2(bed, authority, { expect: 'the-moon' })));
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
      'where nobody listens, a name that nobody knows, and no such place': {
        visit: (bed) => tellRefusals(bed, ['127.0.0.1:1', 'no.such.invalid:80', '127.0.0.1:0', '-a-.invalid:80']),
        story: [
          'h1 127.0.0.1:1: 503',
          'h2 127.0.0.1:1: :status: 503',
          'h1 no.such.invalid:80: 503',
          'h2 no.such.invalid:80: :status: 503',
          'h1 127.0.0.1:0: 503',
          'h2 127.0.0.1:0: :status: 503',
          'h1 -a-.invalid:80: 503',
          'h2 -a-.invalid:80: :status: 503',
        ],
      },
      'what names no place': {
        visit: (bed) => tellRefusals(bed, ['127.0.0.1', '127.0.0.1:99999', ':80']),
        story: [
          'h1 127.0.0.1: 400',
          'h2 127.0.0.1: :status: 503',
          'h1 127.0.0.1:99999: 400',
          'h2 127.0.0.1:99999: :status: 503',
          'h1 :80: 400',
          'h2 :80: :status: 503',
        ],
        better: {
          because: 'what cannot be read is the fault of who asks, over HTTP/2 too',
          story: [
            'h1 127.0.0.1: 400',
            'h2 127.0.0.1: :status: 400',
            'h1 127.0.0.1:99999: 400',
            'h2 127.0.0.1:99999: :status: 400',
            'h1 :80: 400',
            'h2 :80: :status: 400',
          ],
        },
      },
      'a POST to where nobody listens': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('POST / HTTP/1.1\r\nhost: 127.0.0.1:1\r\ntransfer-encoding: chunked\r\n\r\n');
          await bed.story.tellStatus('client', client);
        },
        story: ['client: 503'],
      },
      'nothing but tunnels': {
        visit: askForPage,
        story: ['client: 404'],
      },
    },
  },
];
