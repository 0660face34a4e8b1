import {
  type Agent,
  Agent as HttpAgent,
  createServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * What a middlebox does with a request: it passes it on, forbids it, sends it twice and passes the second answer back, fails before
 * it is passed on or once it was answered, cuts the connection then, or gives the answer to the request before it.
 */
export type Deed = 'pass' | 'forbid' | 'twice' | 'fail' | 'lose' | 'cut' | 'stale';

/** A middlebox that reads HTTP and keeps every body until it is whole. */
export interface HttpMiddlebox {
  readonly port: number;
  /** The requests so far, and what became of each: `GET /path pass`. */
  readonly seen: readonly string[];
}

interface Whole {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Starts a middlebox in front of a port of 127.0.0.1. */
export async function startHttpMiddlebox(serverPort: number, decide: (index: number) => Deed): Promise<HttpMiddlebox> {
  const agent = new HttpAgent({ keepAlive: true });
  const seen: string[] = [];
  let last: Whole | undefined;
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing).catch(() => outgoing.destroy()));
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const deed = decide(seen.length);
    seen.push(`${incoming.method} ${incoming.url} ${deed}`);
    const body = Buffer.concat(await incoming.toArray());
    if (deed === 'forbid') return void outgoing.writeHead(403).end('forbidden');
    if (deed === 'fail') return void outgoing.writeHead(502).end('bad gateway');
    const before = last;
    let answer = await ask(agent, serverPort, incoming, body);
    if (deed === 'twice') answer = await ask(agent, serverPort, incoming, body);
    last = answer;
    if (deed === 'lose') return void outgoing.writeHead(502).end('bad gateway');
    if (deed === 'cut') return void outgoing.destroy();
    const given = deed === 'stale' ? (before ?? answer) : answer;
    const { 'transfer-encoding': _chunked, connection: _ofOther, ...headers } = given.headers;
    outgoing.writeHead(given.status, { ...headers, 'content-length': given.body.length }).end(given.body);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

function ask(agent: Agent, port: number, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Whole> {
  return new Promise((resolve, reject) => {
    const { connection: _ofUs, 'transfer-encoding': _chunked, ...kept } = headers;
    // As a proxy it is asked for a URL, and asks the server for a path.
    const path = url?.replace(/^http:\/\/[^/]+/, '');
    const asked = request(
      { port, host: '127.0.0.1', method, path, headers: kept, agent },
      (answer) =>
        void answer
          .toArray()
          .then((parts) =>
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              body: Buffer.concat(parts as Buffer[]),
            }),
          )
          .catch(reject),
    );
    asked.on('error', reject);
    asked.end(body);
  });
}
