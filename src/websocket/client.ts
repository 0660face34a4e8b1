import { randomBytes } from 'node:crypto';
import { originAuth } from '../auth/model/fields.ts';
import { formatAddress, formatHostPort } from '../core/address.ts';
import type { Reach, Session } from '../core/carrier.ts';
import { TunlError } from '../core/errors.ts';
import type { Hop } from '../core/hop.ts';
import { Http1Session, type Http1TunnelTerms } from '../http/tunnel/h1-session.ts';
import { fieldValues, listTokens, type ResponseHead } from '../http/wire/message.ts';
import { acceptOf, formatPath, subprotocol, version } from './handshake.ts';
import { webSocketLink } from './link.ts';

/** Opens a session that asks for its tunnel by WebSocket (RFC 6455, section 4.1). */
export async function openWebSocket(reach: Reach, hop: Hop): Promise<Session> {
  const link = await reach({ form: 'tunnel' });
  return new Http1Session(link, hop, makeTerms(), (ctx) => reach({ form: 'tunnel', ctx }));
}

function makeTerms(): Http1TunnelTerms {
  const key = randomBytes(16).toString('base64');
  return {
    method: 'GET',
    requestTarget: (target, { settings }) => formatPath(target, settings['prefix']),
    host: formatHost,
    opens: { kind: 'upgrade', protocol: 'websocket' },
    fields: () => [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Key', key],
      ['Sec-WebSocket-Version', version],
      ['Sec-WebSocket-Protocol', subprotocol],
    ],
    asks: originAuth,
    frame: (link, head, hop) => {
      assertAccepted(head, key, hop);
      return webSocketLink(link, 'client');
    },
  };
}

/** The host of the hop itself, by which front ends choose a site. */
function formatHost({ address, scheme }: Hop): string {
  if (address.kind !== 'tcp') return 'localhost';
  return formatHostPort(address.host, address.port, scheme === 'wss' ? 443 : 80);
}

/** Checks the answer (RFC 6455, section 4.1). @throws {TunlError} http_upgrade_failed */
function assertAccepted({ headers }: ResponseHead, key: string, hop: Hop): void {
  const fault =
    fieldValues(headers, 'sec-websocket-accept').join() !== acceptOf(key)
      ? 'without the proof that it speaks WebSocket'
      : fieldValues(headers, 'sec-websocket-protocol').join() !== subprotocol
        ? `without the subprotocol ${subprotocol}`
        : listTokens(headers, 'sec-websocket-extensions').length > 0
          ? 'with extensions that were not offered'
          : undefined;
  if (fault === undefined) return;
  throw new TunlError('http_upgrade_failed', `${formatAddress(hop.address)} changed to WebSocket ${fault}`, {
    side: 'hop',
    phase: 'handshake',
    hints: ['at that path stands something else than tunl serve --ws'],
  });
}
