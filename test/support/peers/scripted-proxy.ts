import type { Behaviour } from '../targets/plain.ts';

/** Answers any first request with these bytes, and ends. */
export const answerWith =
  (answer: string | Buffer): Behaviour =>
  (socket) =>
    void socket.once('data', () => socket.end(answer));

/** Writes a refusal as a proxy sends it. */
export function writeRefusal(status: string, fields: readonly string[] = [], body = ''): string {
  return [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}

/** Accepts the first request, sends these bytes through the tunnel, and then calls `act`. */
export const openThen =
  (bytes: string, act: Behaviour): Behaviour =>
  (socket) =>
    void socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n\r\n${bytes}`, () => act(socket)));
