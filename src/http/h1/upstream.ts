import type { Duplex } from 'node:stream';
import { readHead } from '../wire/head.ts';
import { listTokens, parseResponseHead, type ResponseHead } from '../wire/message.ts';
import type { Http1Peer, ReplyHead } from './peer.ts';

/** Largest head of an upstream's answer that we read; Envoy's limit. */
const maxHeadBytes = 60 * 1024;

/**
 * Makes the profile of an upstream, a server or a proxy whose answers are passed on: they are read in the one way that RFC
 * 9112 allows.
 */
export function upstreamPeer(name: string, side: Http1Peer['side'] = 'target'): Http1Peer {
  return {
    name,
    side,
    phase: 'relay',
    version: '1.1',
    maxHeadBytes,
    readHead: readUpstreamHead,
    isHeadStart: () => true,
    describeForeign: () => ({ words: 'does not answer in HTTP/1.1', hints: [] }),
  };
}

async function readUpstreamHead(stream: Duplex, signal: AbortSignal): Promise<ReplyHead> {
  const traits = { prefix: 'HTTP/1.', lineBytes: maxHeadBytes };
  const bytes = await readHead(stream, maxHeadBytes, signal, traits);
  const head = parseResponseHead(bytes);
  const { status, reason, headers } = head;
  return { status, reason, headers, isPersistent: isPersistent(bytes, head) };
}

/** RFC 9112, section 9.3. */
function isPersistent(bytes: Buffer, { headers }: ResponseHead): boolean {
  const options = listTokens(headers, 'connection');
  if (options.includes('close')) return false;
  return !/^[\r\n]*HTTP\/1\.0/.test(bytes.toString('latin1', 0, 32)) || options.includes('keep-alive');
}
