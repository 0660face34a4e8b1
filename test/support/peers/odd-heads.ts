/** A program that treats the tunnel as open after a head. */
export type Reader = 'curl' | 'ncat' | 'nc';

/** The head of a proxy's answer that violates RFC 9112, or is an edge case of it. */
export interface OddHead {
  readonly what: string;
  readonly head: string;
  /** Our reading of it: a tunnel, a refusal with this status, or no answer. */
  readonly tunl: 'tunnel' | number | 'none';
  /** The programs that treat it as a tunnel, out of curl 7.88, ncat 7.93 and OpenBSD's nc. */
  readonly readers: readonly Reader[];
}

const all: readonly Reader[] = ['curl', 'ncat', 'nc'];
const ok = 'HTTP/1.1 200 OK\r\n';

const open = (what: string, head: string, readers: readonly Reader[] = all): OddHead => {
  return { what, head, tunl: 'tunnel', readers };
};
const refused = (what: string, status: number, head: string): OddHead => ({ what, head, tunl: status, readers: [] });
const none = (what: string, head: string, readers: readonly Reader[] = []): OddHead => {
  return { what, head, tunl: 'none', readers };
};

/** Heads as seen from real proxies, heads from curl's tests, and variants of them. */
export const oddHeads: readonly OddHead[] = [
  open('a version of 1.0', 'HTTP/1.0 200 OK\r\n\r\n'),
  open('a version of 1.2', 'HTTP/1.2 200 OK\r\n\r\n', ['curl', 'ncat']),
  open('no reason', 'HTTP/1.1 200\r\n\r\n'),
  open('no blank before the reason', 'HTTP/1.1 200OK\r\n\r\n'),
  open('two blanks before the status', 'HTTP/1.1  200 OK\r\n\r\n', ['curl', 'ncat']),
  open('a tab before the status', 'HTTP/1.1\t200 OK\r\n\r\n', ['curl']),
  open('a reason of 15,000 characters', `HTTP/1.1 200 ${'x'.repeat(15_000)}\r\n\r\n`, ['curl']),
  open('a reason beyond ASCII', 'HTTP/1.1 200 Verbindung \xfcber\r\n\r\n'),
  open('a status of 201', 'HTTP/1.1 201 Created\r\n\r\n', ['curl']),
  open('a status of 204', 'HTTP/1.1 204 No Content\r\n\r\n', ['curl']),
  open('lines that end with LF alone', 'HTTP/1.1 200 OK\nServer: x\n\n'),
  open('lines that end in both ways', 'HTTP/1.1 200 OK\nServer: x\r\n\n'),
  open('two CR before each LF', 'HTTP/1.1 200 OK\r\r\nServer: x\r\r\n\r\r\n', ['curl', 'nc']),
  open('a CR within a line', `${ok}A: b\rc\r\n\r\n`),
  open('a blank before the colon', `${ok}Server : x\r\n\r\n`),
  open('a blank in the name of a field', `${ok}Status Code: 200\r\n\r\n`),
  open('a field without a name', `${ok}: x\r\n\r\n`),
  open('a name beyond ASCII', `${ok}N\xe4me: \xff\r\n\r\n`),
  open('a folded field', `${ok}A: b\r\n c\r\n\td\r\n\r\n`),
  // curl 7.88 requires valid syntax of the fields that it stores for programs.
  open('a line that begins with a blank before any field', `${ok} c\r\n\r\n`, ['ncat', 'nc']),
  open('a line without a colon', `${ok}Server\r\n\r\n`, ['ncat', 'nc']),
  open('NUL in a field', `${ok}A: \0\r\n\r\n`, ['ncat', 'nc']),
  open('an escape character in a field', `${ok}A: \u001b[0m\r\n\r\n`),
  open('a line of 15 kB', `${ok}A: ${'x'.repeat(15_000)}\r\n\r\n`, ['curl']),
  open('a line of 48 kB', `${ok}A: ${'x'.repeat(48_000)}\r\n\r\n`, []),
  open('a head of 48 kB', `${ok}${`A: ${'x'.repeat(4000)}\r\n`.repeat(12)}\r\n`, ['curl']),
  open('150 fields', `${ok}${'A: b\r\n'.repeat(150)}\r\n`, ['curl', 'ncat']),
  open('a length, which means nothing', `${ok}Content-Length: 5\r\n\r\n`),
  open('two lengths', `${ok}Content-Length: 5\r\nContent-Length: x\r\n\r\n`),
  open('chunks, which mean nothing', `${ok}Transfer-Encoding: chunked\r\n\r\n`),
  open('a length and chunks', `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`),
  // RFC 9110, section 15.2: interim answers may come before any answer.
  open('an interim answer before it', `HTTP/1.1 100 Continue\r\n\r\n${ok}\r\n`, []),
  open('an interim answer before it, in one head', `HTTP/1.1 100 Continue\r\n${ok}\r\n`, []),
  open('an empty line before it', `\r\n${ok}\r\n`, []),

  refused('a no of 1.0 with LF alone', 403, 'HTTP/1.0 403 Forbidden\nServer: x\n\n'),
  refused('a no in a version that is not ours', 407, 'HTTP/2 407\r\nProxy-Authenticate: Basic\r\n\r\n'),
  refused('a no with a line that is no field', 407, 'HTTP/1.1 407 Who\r\nStatus Code: 407\r\nx\r\n\0\r\n\r\n'),
  refused('a no with a blank before the colon', 407, 'HTTP/1.1 407 Who\r\nContent-Length : 0\r\n\r\n'),
  refused('a no with a proof of 48 kB', 407, `HTTP/1.1 407 Who\r\nA: Negotiate ${'x'.repeat(48_000)}\r\n\r\n`),
  refused('a no with 100 kB of fields', 407, `HTTP/1.1 407 Who\r\n${`A: ${'x'.repeat(1000)}\r\n`.repeat(100)}\r\n`),
  refused('a no whose head breaks off', 403, 'HTTP/1.1 403 Forbidden\r\nServ'),
  refused('a no whose first line breaks off', 403, 'HTTP/1.1 403 Forb'),
  refused('a no whose lines end with CR alone', 403, 'HTTP/1.1 403 Forbidden\rServer: x\r\r'),
  refused('a yes and a no in one head', 407, `HTTP/1.1 407 Who\r\n${ok}\r\n`),
  { ...refused('a no behind a yes in one head', 407, `${ok}HTTP/1.1 407 Who\r\n\r\n`), readers: ['ncat', 'nc'] },
  refused('a status of three digits that is not in use', 999, 'HTTP/1.1 999 No\r\n\r\n'),
  refused('101, which changes to something else', 101, 'HTTP/1.1 101 Switching Protocols\r\n\r\n'),

  none('no head at all', ''),
  none('half a yes', 'HTTP/1.1 200 OK\r\nServ'),
  none('a yes whose lines end with CR alone', 'HTTP/1.1 200 OK\rServer: x\r\r'),
  none('a yes in HTTP/2', 'HTTP/2 200 OK\r\n\r\n'),
  none('a yes in HTTP/1 without a minor version', 'HTTP/1 200 OK\r\n\r\n'),
  none('a yes in HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n', ['ncat']),
  none('a protocol in lower case', 'http/1.1 200 ok\r\n\r\n'),
  none('another protocol with a status', 'ICY 200 OK\r\n\r\n'),
  none('a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'),
  none('a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', ['nc']),
  none('a status with letters', 'HTTP/1.1 2OO OK\r\n\r\n'),
  none('no blank between version and status', 'HTTP/1.1200 OK\r\n\r\n'),
  none('a line of something else before it', `hello\r\n${ok}\r\n`),
  none('a page', '<html>\r\n<p>HTTP/1.1 200 OK\r\n\r\n'),
];
