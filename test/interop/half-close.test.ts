import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { eventually } from '../support/eventually.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { answerAtEnd, type Behaviour, startTarget } from '../support/targets/plain.ts';
import { startNcatProxy } from './parts/ncat-proxy.ts';
import { startNghttpx } from './parts/nghttpx.ts';
import { startRedis } from './parts/redis.ts';
import { startSquid } from './parts/squid.ts';
import { startTinyproxy } from './parts/tinyproxy.ts';
import type { Part } from './support/part.ts';
import { startTunl, startTunlServe, tunl } from './support/tunl.ts';

const page = new URL('../../docs/half-close.md', import.meta.url);

const tries = amount(5, 20);
const uploadBytes = amount(20_000_000, 100_000_000);
const answer = Buffer.alloc(100_000, 'the answer ');

/** Waits for a question and answers it so much later, whether or not the client has ended. */
const answerAfter =
  (ms: number): Behaviour =>
  (socket) => {
    socket.once('data', () => {
      const timer = setTimeout(() => socket.end(answer), ms);
      socket.once('close', () => clearTimeout(timer));
    });
  };

/** Ways through real proxies: the parts, and the values of `-x`. */
interface Way {
  readonly name: string;
  start(): Promise<{ readonly parts: readonly Part[]; readonly hops: readonly string[] }>;
  /** Every proxy on the way keeps the two directions apart. */
  readonly isExact?: true;
}

const to = (scheme: string, { port }: Part) => `${scheme}://127.0.0.1:${port}`;

const single = (name: string, start: () => Promise<Part>): Way => ({
  name,
  start: async () => {
    const part = await start();
    return { parts: [part], hops: [to('http', part)] };
  },
});

const ways: readonly Way[] = [
  single('squid', () => startSquid()),
  single('tinyproxy', () => startTinyproxy()),
  single('ncat', () => startNcatProxy()),
  {
    name: 'nghttpx over HTTP/2, in front of squid',
    start: startNghttpxWay,
  },
  {
    name: 'squid, then tunl over HTTP/1.1',
    start: async () => {
      const parts = [await startSquid(), await startTunlServe()] as const;
      return { parts, hops: [to('http', parts[0]), to('http', parts[1])] };
    },
  },
  {
    name: 'squid, then tunl over HTTP/2',
    isExact: true,
    start: async () => {
      const parts = [await startSquid(), await startTunlServe()] as const;
      return { parts, hops: [to('http', parts[0]), to('h2c', parts[1])] };
    },
  },
  {
    name: 'tunl, then squid',
    start: async () => {
      const parts = [await startTunlServe(), await startSquid()] as const;
      return { parts, hops: [to('http', parts[0]), to('http', parts[1])] };
    },
  },
  {
    name: 'tunl, which goes on through squid',
    start: async () => {
      const squid = await startSquid();
      const serve = await startTunlServe(['-x', to('http', squid)]);
      return { parts: [squid, serve], hops: [to('http', serve)] };
    },
  },
  { ...single('tunl', () => startTunlServe()), isExact: true },
];

async function startNghttpxWay() {
  const squid = await startSquid();
  const nghttpx = await startNghttpx({ backendPort: squid.port, backend: 'http/1.1' });
  return { parts: [squid, nghttpx], hops: [to('h2c', nghttpx)] };
}

/** The words that lead through a way, and what its parts say. */
interface StartedWay {
  readonly words: readonly string[];
  said(): string;
}

async function startWay({ start }: Pick<Way, 'start'>): Promise<StartedWay> {
  const { parts, hops } = await start();
  onTestFinished(async () => void (await Promise.all(parts.map((part) => part.stop()))));
  const said = () => parts.map((part) => part.log()).join('');
  return { words: hops.flatMap((hop) => ['-x', hop]), said };
}

/** Lets clients of a forward ask, end their half and read; returns the different outcomes. */
async function askForward({ words, said }: StartedWay, behave: Behaviour, ...more: string[]): Promise<string> {
  const target = await startTarget(behave);
  const forward = await startTunl(['forward', ...more, ...words, `:127.0.0.1:${target.port}`]);
  const outcomes = await Promise.all(
    Array.from({ length: tries }, async () => {
      const client = await connectPeer(forward.port);
      client.send('question\n');
      client.fin();
      const end = await client.waitForEnd();
      const isWhole = end === 'fin' && client.inbox.take(client.inbox.size).equals(answer);
      return describeOutcome(isWhole, () => forward.log() + said());
    }),
  );
  await forward.stop();
  return [...new Set(outcomes)].join(' or ');
}

/** Does the same with `connect`, whose input has ended. */
async function askConnect({ words, said }: StartedWay, behave: Behaviour): Promise<string> {
  const target = await startTarget(behave);
  const result = await tunl(['connect', ...words, `127.0.0.1:${target.port}`], { input: 'question\n' });
  expect(result).toMatchObject({ code: 0 });
  return describeOutcome(result.stdout === answer.toString(), () => result.stderr + said());
}

async function describeOutcome(isWhole: boolean, said: () => string): Promise<string> {
  if (isWhole) return 'whole';
  await eventually(() => /half-close=/.test(said()), true);
  return 'lost, and said so';
}

const atEnd = answerAtEnd(() => answer);

/** The questions that are asked, each as a column. */
const columns: readonly (readonly [title: string, ask: (way: StartedWay) => Promise<string>])[] = [
  ['answer after 50 ms', (way) => askForward(way, answerAfter(50))],
  ['after 1 s', (way) => askForward(way, answerAfter(1000))],
  ['after 5 s', (way) => askForward(way, answerAfter(5000))],
  ['after 5 s, `never`', (way) => askForward(way, answerAfter(5000), '--half-close', 'never')],
  ['after 1 s, `now`', (way) => askForward(way, answerAfter(1000), '--half-close', 'now')],
  ['only once it has seen the end', (way) => askConnect(way, atEnd)],
];

const rows = new Map<string, readonly string[]>();

describe('a client that asks, ends its direction and waits,', () => {
  test.each(ways)('is answered through $name', async (way) => {
    const started = await startWay(way);
    const cells = await Promise.all(columns.map(([, ask]) => ask(started)));
    rows.set(way.name, cells);
    expect(cells.slice(0, 2)).toEqual(['whole', 'whole']);
    expect(cells[3]).toBe('whole');
    if (way.isExact) expect(new Set(cells)).toEqual(new Set(['whole']));
  });

  test('is answered as the page about it says', () => {
    const lines = [
      ['through', ...columns.map(([title]) => title)],
      Array.from({ length: columns.length + 1 }, () => '---'),
      ...[...rows].map(([name, cells]) => [name, ...cells]),
    ].map((cells) => `| ${cells.join(' | ')} |`);
    const text = readFileSync(page, 'utf8');
    const filled = text.replace(
      /(<!-- table -->\n).*(<!-- \/table -->)/s,
      (_all, start: string, end: string) => `${start}\n${lines.join('\n')}\n\n${end}`,
    );
    if (process.env['TUNL_WRITE_DOCS'] === '1') writeFileSync(page, filled);
    expect(readFileSync(page, 'utf8'), 'TUNL_WRITE_DOCS=1 writes it').toBe(filled);
  });
});

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Answers with the digest of so many bytes as soon as they are there. */
const digestOf =
  (size: number): Behaviour =>
  (socket: Socket) => {
    const hash = createHash('sha256');
    let left = size;
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      left -= chunk.length;
      if (left === 0) socket.end(hash.digest('hex'));
    });
  };

describe.each(ways)('an upload by connect through $name', (way) => {
  const payload = randomBytes(uploadBytes);

  test('is answered where its length comes before it', async () => {
    const { words } = await startWay(way);
    const target = await startTarget(digestOf(uploadBytes));
    const result = await tunl(['connect', ...words, `127.0.0.1:${target.port}`], { input: payload });
    expect(result).toEqual({ code: 0, signal: null, stdout: digest(payload), stderr: '' });
  });

  test('arrives where only its end says how long it is, and a lost answer is told', async () => {
    const { words, said } = await startWay(way);
    let arrived = '';
    const behave = answerAtEnd((upload) => (arrived = digest(upload)));
    const target = await startTarget(behave);
    const result = await tunl(['connect', ...words, `127.0.0.1:${target.port}`], { input: payload });
    expect(result.code).toBe(0);
    if (way.isExact) expect(result).toMatchObject({ stdout: arrived, stderr: '' });
    if (result.stdout === '') await eventually(() => /^tunl: .*half-close=never/m.test(result.stderr + said()), true);
    else expect(result.stdout).toBe(digest(payload));
    // nghttpx tells the target nothing of an end.
    if (!way.name.startsWith('nghttpx')) expect(arrived).toBe(digest(payload));
  });
});

test('redis-cli behind forward, through a proxy that keeps ends to itself, gives the prompt back at once', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const { words } = await startWay({ start: startNghttpxWay });
  const command = ['redis-cli', '-h', '{host}', '-p', '{port}', 'PING'];
  const started = performance.now();
  const result = await tunl(['forward', ...words, `:127.0.0.1:${redis.port}`, '--', ...command]);
  expect(result).toMatchObject({ code: 0, stdout: 'PONG\n' });
  // This leaves time for a start of tunl, for the second in which nothing moves, and for a busy machine.
  expect(performance.now() - started).toBeLessThan(5000);
});
