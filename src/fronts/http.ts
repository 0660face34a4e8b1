import type { serveRequests } from '../http/server/front.ts';
import type { Front } from './front.ts';

/** Loaded at the first connection, and once: each `import()` costs time. */
let code: Promise<{ readonly serveRequests: typeof serveRequests }> | undefined;

/** HTTP/1.1 and HTTP/2. It takes every connection that no other front knows, and answers what is not HTTP. */
export const http: Front = {
  name: 'http',
  title: 'HTTP',
  urlScheme: 'http',
  hasStatuses: true,
  begins: () => true,
  alpn: ['h2', 'http/1.1'],
  serve: async (link, { requests, draining, onExchange }) => {
    const { serveRequests: serve } = await (code ??= import('../http/server/front.ts'));
    await serve(link, requests, draining, onExchange);
  },
};
