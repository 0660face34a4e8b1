import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Link } from '../../core/link.ts';
import { toPrintable } from '../../syntax/text.ts';
import { endpoints, listPaths } from './all.ts';
import { type AdminAnswer, type AdminEndpoint, text } from './endpoint.ts';
import { Feed } from './feed.ts';
import { findObjection, type GateOptions } from './gate.ts';
import type { Subject } from './subject.ts';

/** The most connections; a browser needs one or two, and others must not take descriptors from tunnels. */
const maxConnections = 64;

/** Time within which a request must arrive in full; also for the next one on the same connection. */
const requestMs = 10_000;

/** Time within which an answer must be read. */
const answerMs = 30_000;

/** The longest body of a request. No path needs one; it is read and dropped. */
const maxBodyBytes = 64 * 1024;

const maxHeadBytes = 16 * 1024;

const types: Record<AdminAnswer['type'], string> = {
  text: 'text/plain; charset=UTF-8',
  json: 'application/json',
  html: 'text/html; charset=UTF-8',
  svg: 'image/svg+xml; charset=UTF-8',
  exposition: 'text/plain; version=0.0.4; charset=UTF-8',
  events: 'text/event-stream; charset=UTF-8',
};

/** Fields of every answer. They keep pages of other sites from reading, framing or storing it. */
const usualHeaders = {
  'Cache-Control': 'no-cache, max-age=0',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** The HTTP server of the admin address. */
export interface AdminServer {
  accept(link: Link): void;
  /** Closes all connections at once. */
  close(): void;
}

/** Makes an admin server for Links. It ends requests that take too long, and never fails. */
export function createAdminServer(subject: Subject, gate: GateOptions): AdminServer {
  const connections = new Map<Duplex, NodeJS.Timeout>();
  const desk: Desk = { subject, gate, feed: new Feed(subject) };
  const server = createServer({ maxHeaderSize: maxHeadBytes, keepAliveTimeout: 0 }, (request, response) => {
    const renew = () => setLimit(connections, request.socket, answerMs);
    renew();
    response.once('close', () => setLimit(connections, request.socket, requestMs));
    void respond(desk, request, response, renew);
  });
  server.on('connect', (_request, socket) => socket.destroy());
  return {
    accept({ stream }) {
      if (connections.size >= maxConnections) return void stream.destroy();
      connections.set(
        stream,
        setTimeout(() => stream.destroy(), requestMs),
      );
      stream.once('close', () => {
        clearTimeout(connections.get(stream));
        connections.delete(stream);
      });
      server.emit('connection', stream);
    },
    close() {
      for (const stream of connections.keys()) stream.destroy();
    },
  };
}

function setLimit(connections: Map<Duplex, NodeJS.Timeout>, stream: Duplex, ms: number): void {
  const timer = connections.get(stream);
  if (!timer) return;
  clearTimeout(timer);
  connections.set(
    stream,
    setTimeout(() => stream.destroy(), ms),
  );
}

/** The parts of a server that answer requests. */
interface Desk {
  readonly subject: Subject;
  readonly gate: GateOptions;
  readonly feed: Feed;
}

/** Answers a request; `renew` gives its client another time in which to read. */
async function respond(
  { subject, gate, feed }: Desk,
  request: IncomingMessage,
  response: ServerResponse,
  renew: () => void,
): Promise<void> {
  let answer: AdminAnswer;
  try {
    answer = (await isBodySmall(request))
      ? await findAnswer(subject, gate, request)
      : text('requests to this address have no body\n', 413);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    answer = text(`${toPrintable(String(error))}\n`, 500);
  }
  if (answer.follow && !feed.hasRoom) answer = text('too many clients follow the events already\n', 503);
  const { status, type, body, headers, afterwards, follow } = answer;
  if (afterwards) response.once('close', afterwards);
  response.writeHead(status, {
    ...usualHeaders,
    ...headers,
    'Content-Type': types[type],
    ...(!follow && { 'Content-Length': Buffer.byteLength(body) }),
    // Without it Node would wait for the rest of the body.
    ...(status === 413 && { Connection: 'close' }),
  });
  if (follow && request.method === 'GET') feed.follow(response, follow.choice, { ...follow, renew });
  else response.end(body);
}

/** Reads a body to its end and drops it; false if it is too long. */
async function isBodySmall(request: IncomingMessage): Promise<boolean> {
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return false;
  }
  return true;
}

async function findAnswer(subject: Subject, gate: GateOptions, request: IncomingMessage): Promise<AdminAnswer> {
  const objection = findObjection(request, gate);
  if (objection !== undefined) return text(`${objection}\n`, 403);
  const { url = '', method = '' } = request;
  if (!url.startsWith('/')) return text('the request target is not a path\n', 400);
  const [path = '', query = ''] = url.split(/\?(.*)/s, 2);
  const there = endpoints.filter((endpoint) => fits(endpoint, path));
  const asked = method === 'HEAD' ? 'GET' : method;
  const endpoint = there.find((candidate) => candidate.method === asked);
  if (endpoint) {
    return endpoint.answer(subject, { query: new URLSearchParams(query), id: path.slice(endpoint.path.length - 2) });
  }
  const [other] = there;
  if (!other) return text(`invalid path. ${listPaths()}`, 404);
  return {
    ...text(`Method ${toPrintable(method)} not allowed, ${other.method} required.`, 405),
    headers: { Allow: other.method === 'GET' ? 'GET, HEAD' : other.method },
  };
}

function fits({ path }: AdminEndpoint, asked: string): boolean {
  if (!path.endsWith('/ID')) return path === asked;
  return asked.startsWith(path.slice(0, -2)) && !asked.slice(path.length - 2).includes('/');
}
