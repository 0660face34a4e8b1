import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.ts';
import type { Target } from '../../support/targets/plain.ts';
import type { RawPeer } from '../../support/peers/raw-peer.ts';
import type { Bed } from '../support/bed.ts';
import type { Row } from './row.ts';

/** A connection whose client ends first. */
async function endClientFirst(bed: Bed): Promise<void> {
  const client = await bed.connect();
  client.send('ping');
  client.fin();
  const origin = await bed.origin.accept();
  await bed.story.tellEnd('origin', origin);
  origin.send('pong');
  origin.fin();
  await bed.story.tellEnd('client', client);
}

/** The origin ends, and what the client still has arrives. */
async function endOriginFirst({ story }: Bed, client: RawPeer, origin: RawPeer): Promise<void> {
  origin.send('first');
  origin.fin();
  await story.tellEnd('client', client);
  client.send('rest');
  client.fin();
  await story.tellEnd('origin', origin);
}

const clientFirst = { visit: endClientFirst, story: ['origin: "ping", fin', 'client: "pong", fin'] };

/** Two places of which each is taken in turn. */
const inTurn: Row['seen'] = {
  'each of two places in turn': {
    visit: async (bed) => {
      const targets = [bed.origin, bed.origin2];
      const counts = () => targets.map(({ accepted }) => accepted);
      for (let count = 1; count <= 4; count++) {
        const before = counts();
        const client = await bed.connect();
        client.fin();
        const isReached = ({ accepted }: Target, index: number) => accepted > (before[index] ?? 0);
        await eventually(() => targets.some(isReached), true);
        const origin = await targets.find(isReached)?.accept();
        origin?.fin();
        await client.waitForEnd();
        if (count % 2 === 0) bed.story.tell('origins', counts().join(' and '));
      }
    },
    story: ['origins: 1 and 1', 'origins: 2 and 2'],
  },
};

/** Files without HTTP. */
export const tcpRows: readonly Row[] = [
  {
    file: 'tcp-plain',
    seen: {
      'a client that ends first still gets its answer': clientFirst,
      'an origin that ends first still gets the rest': {
        visit: async (bed) => {
          const client = await bed.connect();
          const origin = await bed.origin.accept();
          await endOriginFirst(bed, client, origin);
        },
        story: ['client: "first", fin', 'origin: "rest", fin'],
      },
      'a reset of the client': {
        visit: async (bed) => {
          const client = await bed.connect();
          const origin = await bed.origin.accept();
          client.send('ping');
          await origin.read(4);
          client.reset();
          await bed.story.tellEnd('origin', origin);
        },
        story: ['origin: reset'],
      },
      'a reset of the origin': {
        visit: async (bed) => {
          const client = await bed.connect();
          const origin = await bed.origin.accept();
          origin.send('pong');
          await client.read(4);
          origin.reset();
          await bed.story.tellEnd('client', client);
        },
        story: ['client: reset'],
      },
    },
  },
  {
    file: 'tcp-internal',
    seen: {
      'a client that ends first still gets its answer': clientFirst,
      'an origin that ends first still gets the rest': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('ping');
          const origin = await bed.origin.accept();
          await origin.read(4);
          await endOriginFirst(bed, client, origin);
        },
        story: ['client: "first", fin', 'origin: "rest", fin'],
      },
      'more than the listener inside holds': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send(Buffer.alloc(1_000_000, 'x'));
          client.fin();
          const origin = await bed.origin.accept();
          bed.story.tell('origin', `${(await origin.readToEnd()).length} bytes`);
          origin.fin();
          await bed.story.tellEnd('client', client);
        },
        story: ['origin: 1000000 bytes', 'client: fin'],
      },
    },
  },
  {
    file: 'tcp-round-robin',
    seen: inTurn,
  },
  {
    file: 'tcp-policy',
    seen: inTurn,
  },
  {
    file: 'tcp-attempts',
    seen: {
      'the second place is tried, twice': {
        visit: async (bed) => {
          for (let count = 0; count < 2; count++) await endClientFirst(bed);
        },
        story: [...clientFirst.story, ...clientFirst.story],
      },
    },
  },
  {
    file: 'tcp-refused',
    seen: {
      'the client is let go and the log says why': {
        visit: async (bed) => {
          const client = await bed.connect();
          await bed.story.tellEnd('client', client);
          await bed.tellLog('access.log', 1);
        },
        story: ['client: fin', 'access.log: UF,URX 0 0 origin'],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: ['client: reset', 'access.log: UF,URX 0 0 origin'],
        },
      },
    },
  },
  {
    file: 'tcp-idle',
    seen: {
      'a connection that moves nothing is ended': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('ping');
          const origin = await bed.origin.accept();
          await bed.story.tellBytes('origin', origin, 4);
          await bed.story.tellEnd('client', client);
          await bed.story.tellEnd('origin', origin);
        },
        story: ['origin: "ping"', 'client: fin', 'origin: fin'],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: ['origin: "ping"', 'client: reset', 'origin: reset'],
        },
      },
      'a connection that moves something is not': {
        visit: async (bed) => {
          const client = await bed.connect();
          const origin = await bed.origin.accept();
          for (let word = 0; word < 8; word++) {
            client.send('ping');
            await origin.read(4);
            await delay(60);
          }
          client.fin();
          await bed.story.tellEnd('origin', origin);
          origin.fin();
          await bed.story.tellEnd('client', client);
        },
        story: ['origin: fin', 'client: fin'],
      },
    },
  },
  {
    file: 'tcp-lifetime',
    seen: {
      'a connection is ended although it moves something': {
        visit: async (bed) => {
          const client = await bed.connect();
          const origin = await bed.origin.accept();
          let isOver = false;
          const over = client.waitForEnd().then(() => (isOver = true));
          while (!isOver) {
            origin.send('.');
            await delay(20);
          }
          await over;
          bed.story.tell('client', client.inbox.farEnd);
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
    file: 'tcp-dns',
    seen: {
      'the name is resolved': clientFirst,
      'each of its addresses is a place': {
        visit: (bed) => endClientFirst({ ...bed, connect: () => bed.connect('front2') }),
        story: clientFirst.story,
      },
    },
  },
  {
    file: 'tcp-log',
    seen: {
      'what is logged': {
        visit: async (bed) => {
          await endClientFirst(bed);
          await bed.tellLog('access.log', 1);
          await bed.tellLog('access.json', 1);
        },
        story: [
          'origin: "ping", fin',
          'client: "pong", fin',
          'access.log: CLIENT FRONT ORIGIN origin 4 4 - 0 - -',
          'access.json: {"flags":"-","gave":4,"got":4,"where":"to origin"}',
        ],
      },
    },
  },
];
