import { serveRequests } from '../http/server/front.ts';
import type { Front } from './front.ts';

/** HTTP/1.1 and HTTP/2. It takes every connection that no other front knows, and answers what is not HTTP. */
export const http: Front = {
  name: 'http',
  title: 'HTTP',
  urlScheme: 'http',
  hasStatuses: true,
  begins: () => true,
  alpn: ['h2', 'http/1.1'],
  serve: (link, { requests, draining, onExchange }) => serveRequests(link, requests, draining, onExchange),
};
