import { authSettings } from '../auth/settings.ts';
import type { Carrier } from '../core/carrier.ts';
import { parsePathPrefix } from '../syntax/stage-settings.ts';

/** Tunnels in a WebSocket (RFC 6455), for front ends that pass nothing but requests and Upgrade. */
export const websocket: Carrier = {
  name: 'websocket',
  schemes: [
    { scheme: 'ws', defaultPort: 80, summary: 'bytes in a WebSocket' },
    { scheme: 'wss', defaultPort: 443, tls: { alpn: ['http/1.1'] }, summary: 'bytes in a WebSocket over TLS' },
  ],
  settings: [
    ...authSettings,
    {
      name: 'prefix',
      summary: 'path in front of the target; /.well-known/tunl by default',
      parse: (value) => parsePathPrefix(value, '?prefix='),
    },
  ],
  serveFlag: { name: 'ws', summary: 'also accept tunnels in WebSockets' },
  methods: ['GET'],
  halfClose: 'native',
  reset: 'native',
  open: async (reach, hop) => (await import('../websocket/client.ts')).openWebSocket(reach, hop),
  loadClaim: async () => (await import('../websocket/server.ts')).claimWebSocket,
};
