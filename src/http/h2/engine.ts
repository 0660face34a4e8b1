import { openSession as openNode } from './node/client.ts';
import { acceptStreams as acceptNode } from './node/server.ts';
import { openSession as openOwn } from './own/client.ts';
import { acceptStreams as acceptOwn } from './own/server.ts';

/** For a while there are two engines: that of Node, and our own, which is chosen by this variable alone. */
const isOwn = process.env['TUNL_H2_ENGINE'] === 'own';

/**
 * The HTTP/2 engine opens sessions as a client, accepts them as a server, and tells of their streams as `streams.ts`
 * says.
 */
export const openSession: typeof openNode = isOwn ? openOwn : openNode;

/** Accepts HTTP/2 on a Link. @see the engines */
export const acceptStreams: typeof acceptNode = isOwn ? acceptOwn : acceptNode;
