import type { Socket } from 'node:net';
import type { Bed } from '../support/bed.ts';
import type { Row } from './row.ts';

/** Sends a header and a few bytes, and tells what the first origin gets. */
function sendHeader(header: string | Buffer) {
  return async (bed: Bed): Promise<void> => {
    const client = await bed.connect();
    client.send(Buffer.concat([Buffer.from(header), Buffer.from('ping')]));
    const origin = await bed.origin.accept();
    bed.story.tell('origin', `from ${(origin.stream as Socket).remoteAddress}`);
    const told = await origin.read(28);
    bed.story.tell('origin', told.toString('hex'));
    // Envoy resets a client whose FIN comes together with a header that has additional fields.
    client.fin();
    await bed.story.tellEnd('origin', origin);
    origin.send('pong');
    origin.fin();
    await bed.story.tellEnd('client', client);
  };
}

/** Sends what is no header, and tells how the connection ends. */
function sendOther(words: string | Buffer) {
  return async (bed: Bed): Promise<void> => {
    const client = await bed.connect();
    client.send(Buffer.from(words));
    // Whether a FIN or a reset comes depends on what the program has read.
    await client.waitForEnd();
    bed.story.tell('client', 'over');
  };
}

/** Sends something to the second listener, and tells the header and the request of the tunnel. */
function askSecond(words: string) {
  return async (bed: Bed): Promise<void> => {
    const client = await bed.connect('front2');
    client.send(words);
    const origin = await bed.origin2.accept();
    bed.story.tell('origin2', await origin.readUntil('\r\n'));
    bed.story.tell('origin2', (await origin.readHead()).split('\r\n')[0] ?? '');
    origin.send('HTTP/1.1 200 OK\r\n\r\n');
    await bed.story.tellBytes('origin2', origin, 4);
  };
}

const signature = '0d0a0d0a000d0a515549540a';
const v2 = (rest: string) => Buffer.from(signature + rest, 'hex');
const ends = 'c0000207' + 'c0000201' + '1b58' + '01bb';
const told = `origin: ${signature}2111000c${ends}`;
const passed = ['origin: from 127.0.0.9', told, 'origin: "ping", fin', 'client: "pong", fin'];

/** Files with PROXY headers, in and out. */
export const proxyHeaderRows: readonly Row[] = [
  {
    file: 'proxy-header',
    seen: {
      'a header of version 1': { visit: sendHeader('PROXY TCP4 192.0.2.7 192.0.2.1 7000 443\r\n'), story: passed },
      'a header of version 2': { visit: sendHeader(v2(`2111000c${ends}`)), story: passed },
      'a header with more in it than addresses': {
        visit: sendHeader(v2(`21110013${ends}ea0004aabbccdd`)),
        story: passed,
      },
      'the log has the client of the header': {
        visit: (bed) => bed.tellLog('access.log', 3),
        story: Array<string>(3).fill('access.log: 192.0.2.7:7000 127.0.0.1 192.0.2.1:443 4 4'),
      },
      'a header of a client that rules deny': {
        visit: sendOther('PROXY TCP4 198.51.100.7 192.0.2.1 7000 443\r\nping'),
        story: ['client: over'],
      },
      'no header where there must be one': {
        visit: sendOther('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
        story: ['client: over'],
      },
      'a header that is none': {
        visit: sendOther('PROXY TCP4 192.0.2.7 192.0.2.1 7000 70000\r\n'),
        story: ['client: over'],
      },
      'a header of an unknown version': {
        visit: sendOther(v2(`1111000c${ends}`)),
        story: ['client: over'],
      },
      'a header where there may be one': {
        visit: askSecond('PROXY TCP4 192.0.2.7 192.0.2.1 7000 443\r\nping'),
        story: [
          'origin2: PROXY TCP4 192.0.2.7 192.0.2.1 7000 443\r\n',
          'origin2: CONNECT host.com:443 HTTP/1.1',
          'origin2: "ping"',
        ],
      },
      'none where there may be one': {
        visit: askSecond('ping, pong'),
        story: [
          'origin2: PROXY TCP4 127.0.0.1 127.0.0.1 CLIENT FRONT2\r\n',
          'origin2: CONNECT host.com:443 HTTP/1.1',
          'origin2: "ping"',
        ],
      },
    },
  },
];
