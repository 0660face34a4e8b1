import { authSettings } from '../auth/settings.ts';
import type { Carrier } from '../core/carrier.ts';
import { http2Settings } from '../http/tunnel/h2-session.ts';
import { prefixSetting } from '../http/tunnel/prefix.ts';
import { resumeSetting } from '../resume/setting.ts';

/** Tunnels in a WebSocket (RFC 6455, and RFC 8441 over HTTP/2), for front ends that pass nothing but requests and Upgrade. */
export const websocket: Carrier = {
  name: 'websocket',
  schemes: [
    { scheme: 'ws', defaultPort: 80, summary: 'bytes in a WebSocket' },
    { scheme: 'wss', defaultPort: 443, tls: { alpn: ['h2', 'http/1.1'] }, summary: 'bytes in a WebSocket over TLS' },
  ],
  settings: [...authSettings, ...http2Settings, prefixSetting, resumeSetting],
  serveFlag: { name: 'ws', summary: 'also accept tunnels in WebSockets' },
  extendedConnect: true,
  methods: ['GET'],
  asksBy: 'GET',
  halfClose: 'native',
  reset: 'native',
  open: async (...reached) => (await import('../websocket/client.ts')).openWebSocket(...reached),
  loadClaim: async () => (await import('../websocket/server.ts')).claimWebSocket,
};
