import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { oddHeads, type Reader } from '../support/peers/odd-heads.ts';
import { firstBytes, HeadProxy, readOurselves, type Verdict } from './support/head-readers.ts';

const readers: readonly Reader[] = ['curl', 'ncat', 'nc'];
const proxy = new HeadProxy();

beforeAll(() => proxy.start());
afterAll(() => proxy.stop());

/** Runs so many at a time. */
async function mapSome<T, R>(items: readonly T[], atOnce: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await act(items[at] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

describe('what others make of odd heads is what the table says, which tunl is tested with', () => {
  const opened = new Map<string, readonly Reader[]>();

  // Together: ncat takes a third of a second however short its work is.
  beforeAll(async () => {
    await mapSome(oddHeads, 8, async ({ what, head }) => {
      const answers = await Promise.all(readers.map((reader) => proxy.ask(reader, head)));
      opened.set(
        what,
        readers.filter((_, at) => answers[at]?.verdict === firstBytes),
      );
    });
  });

  test.each(oddHeads.map((row) => [row.what, row] as const))('%s', (what, row) => {
    expect(opened.get(what)).toEqual(row.readers);
  });
});

/** Heads that changes start from. */
const bases = [
  'HTTP/1.1 200 Connection established\r\nProxy-Agent: x\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.0 200\nVia: 1.0 a\n folded\n\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  'HTTP/1.1  299\r\nA: b\n\r\n',
  'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="a"\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
];

const pieces = ['\r', '\n', '\r\n', '\r\n\r\n', ' ', '\t', ':', '\0', '\u001b', '\xff', '0', '2', '.', 'x'.repeat(900)];
const lines = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 403 No\r\n',
  'HTTP/2 200\r\n',
  'Status Code: 200\r\n',
  'A : b\r\n',
  ' c\r\n',
];

type Change = (head: string) => string;

/** A change of one place: something put in, taken out, or in the place of something else. */
const change: fc.Arbitrary<Change> = fc
  .record({
    where: fc.noBias(fc.integer({ min: 0, max: 999 })),
    piece: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...pieces) }, fc.constantFrom(...lines)),
    taken: fc.constantFrom(0, 0, 0, 1, 1, 2, 9),
    isEmpty: fc.boolean(),
    startsLine: fc.boolean(),
  })
  .map(({ where, piece, taken, isEmpty, startsLine }) => (head) => {
    const near = Math.floor((where / 1000) * head.length);
    const at = startsLine ? head.lastIndexOf('\n', near) + 1 : near;
    return head.slice(0, at) + (isEmpty && taken > 0 ? '' : piece) + head.slice(at + taken);
  });

const heads = fc
  .tuple(fc.constantFrom(...bases), fc.oneof(fc.tuple(change), fc.array(change, { minLength: 1, maxLength: 3 })))
  .map(([base, changes]) => changes.reduce((head, act) => act(head), base));

/** The verdicts of curl and of tunl on one head. */
interface Pair {
  readonly head: string;
  readonly curl: Verdict;
  /** The status with which curl ended. */
  readonly status: number | null;
  readonly tunl: Verdict;
}

/** The cases in which we differ from curl 7.88 on purpose. Every other difference is a fault. */
const deliberate: readonly { readonly why: string; readonly applies: (pair: Pair) => boolean }[] = [
  {
    why: 'curl fails (43) where a line cannot be kept as a field for programs to ask for; ncat and nc go on, and so do we',
    applies: ({ status, tunl }) => status === 43 && tunl !== undefined,
  },
  {
    why: 'what curl finds in a tunnel to an http:// target it reads as HTTP: there is nothing to compare',
    applies: ({ tunl }) => tunl?.startsWith('HTTP/') === true,
  },
  {
    why: 'interim answers may come before any answer (RFC 9110, section 15.2); curl takes the first for the answer',
    applies: ({ head, curl, tunl }) =>
      curl === undefined && tunl !== undefined && /^(?:\r?\n)*HTTP\/1\.\d+[\t ]+1\d\d/.test(head),
  },
  {
    why: 'empty lines before an answer mean nothing (RFC 9112, section 2.2); curl takes them for the end of a head',
    applies: ({ head, curl, tunl }) => curl === undefined && tunl !== undefined && /^[\r\n]/.test(head),
  },
  {
    why: 'curl takes a line that begins with CR for the end of the head, and drops what stands in it',
    applies: ({ head }) => /(?:^|\n)\r+[^\r\n]/.test(head),
  },
  {
    why: 'curl reads both numbers of the first line as C does: signs, zeros before them, and any kind of blank',
    applies: ({ head, tunl }) =>
      tunl === undefined &&
      /^HTTP\/1\.\s*[+-]?\d+\s*[+-]?\d+/.test(head) &&
      !/^HTTP\/1\.\d+[\t ]+[1-9]\d\d(?!\d)/.test(head),
  },
];

test(
  'a head that curl takes for a tunnel is one for us, and none is one for us that is not one for curl',
  async () => {
    const sample = fc.sample(heads, { seed: 9, numRuns: amount(300, 3000) });
    const pairs = await mapSome(sample, 4, async (head): Promise<Pair> => {
      const [{ verdict: curl, status }, tunl] = await Promise.all([proxy.ask('curl', head), readOurselves(head)]);
      return { head, curl, status, tunl };
    });
    const different = pairs.filter(({ curl, tunl }) => curl !== tunl);
    expect(different.filter((pair) => !deliberate.some(({ applies }) => applies(pair)))).toEqual([]);
    // It would show nothing if curl took none, or all.
    const opened = pairs.filter(({ curl }) => curl !== undefined).length;
    expect(opened).toBeGreaterThan(pairs.length / 8);
    expect(opened).toBeLessThan(pairs.length / 2);
    expect(different.length).toBeLessThan(pairs.length / 5);
  },
  amount(60_000, 300_000),
);
