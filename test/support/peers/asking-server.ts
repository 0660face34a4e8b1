import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { AuthFields } from '../../../src/auth/model/fields.ts';
import { alice } from './asking-proxy.ts';
import { checkAuthenticate, formatChallenge } from './ntlm-server.ts';

/** The way in which a server asks for the credentials of `alice`, over connections that it keeps. */
export interface AskingTerms {
  readonly asks: AuthFields;
  readonly scheme: 'NTLM' | 'Basic';
  /** Closes the connection after a 407 or 401 that answered no credentials. */
  readonly closes?: true;
  /** Answers whoever has proved who they are. */
  readonly answer: (request: IncomingMessage, reply: ServerResponse) => void;
}

/** A server that asks for credentials, played by the test with `node:http`. */
export interface AskingServer {
  readonly port: number;
  /** The requests in order: the number of the connection, method, target and scheme. */
  readonly seen: readonly string[];
}

/** Starts such a server. With NTLM a connection on which it knows us asks no more. */
export async function startAskingServer({ asks, scheme, closes, answer }: AskingTerms): Promise<AskingServer> {
  const seen: string[] = [];
  const connections = new WeakMap<
    IncomingMessage['socket'],
    { number: number; messages: Buffer[]; isKnown: boolean }
  >();
  let count = 0;
  const server = createServer((request, reply) => {
    const connection = connections.get(request.socket) ?? { number: ++count, messages: [], isKnown: false };
    connections.set(request.socket, connection);
    const [given = 'none', token = ''] = String(request.headers[asks.credentials.toLowerCase()] ?? 'none').split(' ');
    seen.push(`${connection.number} ${request.method} ${request.url} ${given}`);
    const message = Buffer.from(token, 'base64');
    if (scheme === 'Basic') connection.isKnown = message.toString() === `${alice.user}:${alice.password}`;
    else if (given === 'NTLM') connection.messages.push(message);
    const [negotiate, challenge, authenticate] = connection.messages;
    if (negotiate && challenge && authenticate) {
      connection.isKnown = checkAuthenticate([negotiate, challenge, authenticate], alice) === undefined;
      connection.messages = [];
    }
    if (connection.isKnown) return answer(request, reply);
    const next = given === 'NTLM' && !authenticate ? formatChallenge() : undefined;
    if (next) connection.messages.push(next);
    const value = scheme === 'Basic' ? 'Basic realm="corp"' : `NTLM${next ? ` ${next.toString('base64')}` : ''}`;
    // The connection goes on once the body of the request has ended.
    request.resume();
    const closing = closes && given === 'none' ? { Connection: 'close' } : {};
    reply.writeHead(asks.status, { [asks.challenge]: value, 'Content-Length': 2, ...closing }).end('no');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}
