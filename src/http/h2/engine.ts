/**
 * The HTTP/2 engine: it opens sessions as a client, accepts them as a server, and tells of their streams as `streams.ts`
 * says. Only this file imports the room that works with `node:http2`.
 */
export { openSession } from './node/client.ts';
export { acceptStreams } from './node/server.ts';
