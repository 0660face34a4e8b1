import { authSettings } from '../auth/settings.ts';
import type { Carrier } from '../core/carrier.ts';
import { prefixSetting } from '../http/tunnel/prefix.ts';
import { resumeSetting } from '../resume/setting.ts';

/** Tunnels in many short requests, for proxies that keep bodies until they are whole, or that know no CONNECT. */
export const poll: Carrier = {
  name: 'poll',
  schemes: [
    { scheme: 'poll+http', defaultPort: 80, summary: 'bytes in many short requests, over HTTP/1.1' },
    {
      scheme: 'poll+https',
      defaultPort: 443,
      tls: { alpn: ['http/1.1'] },
      summary: 'bytes in many short requests, over HTTP/1.1 in TLS',
    },
  ],
  settings: [...authSettings, prefixSetting, resumeSetting],
  serveFlag: { name: 'poll', summary: 'also accept tunnels in many short requests' },
  isOfRequests: true,
  methods: ['GET', 'POST'],
  asksBy: 'POST',
  halfClose: 'native',
  reset: 'native',
  open: async (...reached) => (await import('../poll/client.ts')).openPoll(...reached),
  loadClaim: async () => (await import('../poll/server.ts')).claimPoll,
};
