import * as node from './node/engine.ts';
import * as own from './own/engine.ts';

/**
 * The HTTP/2 engine: it opens sessions as a client, accepts them as a server, and tells of their streams as `streams.ts`
 * says. For a while there are two: that of Node, and our own.
 */
export const { openSession, acceptStreams } = process.env['TUNL_H2_ENGINE'] === 'own' ? own : node;
