import type { TcpAddress } from '../core/address.ts';
import type { HeaderField } from '../core/hop.ts';
import { writeField } from './fields.ts';

/**
 * The target of a request for a session: a stream that leads to the far end itself, which is asked for the target there.
 * A name under `.invalid` never resolves (RFC 6761, section 6.4), so a server that knows no sessions dials nothing; 443 is
 * the port that proxies allow if they allow any.
 */
export const sessionAddress: TcpAddress = { kind: 'tcp', host: 'tunl.invalid', port: 443 };

/** True for the target of a request for a session. */
export function isSessionAddress({ host, port }: TcpAddress): boolean {
  return host.toLowerCase() === sessionAddress.host && port === sessionAddress.port;
}

/** The field that marks the refusal of a session as one of the far end itself. */
export const sessionRefusal: HeaderField = writeField({ kind: 'refused' });
