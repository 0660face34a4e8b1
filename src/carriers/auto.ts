import { authSettings } from '../auth/settings.ts';
import type { Carrier, CarrierMode, HopSetting } from '../core/carrier.ts';
import { http2Settings } from '../http/tunnel/h2-session.ts';
import { resumeSetting } from '../resume/setting.ts';
import { openConnectSession } from './h1.ts';
import { poll } from './poll.ts';
import { post } from './post.ts';
import { websocket } from './websocket.ts';

/** The ways in which a `tunl serve --resume` is asked for a session, in this order. None of them is cleartext. */
const modes: readonly CarrierMode[] = [
  { name: 'HTTP/2', scheme: 'h2' },
  { name: 'HTTP/1.1', scheme: 'https', alpn: 'http/1.1' },
  // In the version in which every front end knows WebSockets.
  { name: 'WebSocket', scheme: 'wss', alpn: 'http/1.1' },
  { name: 'POST', scheme: 'post+https' },
  // The last, because it is the slowest: it works where bodies are kept until they are whole.
  { name: 'poll', scheme: 'poll+https' },
];

/** The settings of each mode, once. */
const settings = new Map<string, HopSetting>(
  [...authSettings, ...http2Settings, ...websocket.settings, ...post.settings, ...poll.settings, resumeSetting].map(
    (setting) => [setting.name, setting],
  ),
);

/** Tunnels by whatever way works: each mode asks for a session, and the target is asked for in the first that opens. */
export const auto: Carrier = {
  name: 'auto',
  schemes: [
    {
      scheme: 'auto+https',
      defaultPort: 443,
      tls: { alpn: ['h2', 'http/1.1'] },
      host: false,
      summary: 'whichever works first: CONNECT over HTTP/2 or HTTP/1.1, WebSocket, POST or poll',
    },
  ],
  settings: [...settings.values()],
  methods: [],
  halfClose: 'native',
  reset: 'native',
  modes,
  open: async (reach, hop) =>
    openConnectSession(await reach({ form: 'tunnel' }), hop, (ctx) => reach({ form: 'tunnel', ctx })),
};
