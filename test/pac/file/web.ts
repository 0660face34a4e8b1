import { startTarget, type Target } from '../../support/targets/plain.ts';

/** A web server that answers each request with the next of its answers, and then always with the last. */
export interface Web {
  readonly target: Target;
  readonly url: URL;
  /** The heads of the requests so far. */
  readonly heads: readonly string[];
  /** The answers that are still to come; a test may replace them. */
  answers: string[];
}

/** Starts a web server on loopback. */
export async function startWeb(...answers: string[]): Promise<Web> {
  const heads: string[] = [];
  const web: { answers: string[] } = { answers };
  const target = await startTarget((socket) => {
    let head = '';
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      heads.push(head);
      const answer = web.answers.length > 1 ? web.answers.shift() : web.answers[0];
      socket.end(answer ?? '', 'latin1');
    });
  });
  return Object.assign(web, { target, heads, url: new URL(`http://127.0.0.1:${target.port}/proxy.pac?x=1`) });
}

/** Writes an answer with a body. */
export function writeAnswer(body: string, fields: readonly string[] = [], status = '200 OK'): string {
  const length = Buffer.byteLength(body, 'latin1');
  return [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${length}`, '', body].join('\r\n');
}

/** A PAC file with this result. */
export const pac = (result: string): string => `function FindProxyForURL(url, host) { return '${result}'; }`;
