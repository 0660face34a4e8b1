import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { bodyLink } from '../body/link.ts';
import { type Call, isSuccess, maxInterim, type Reply } from '../call.ts';
import { formatHead } from '../wire/message.ts';
import { type Http1Peer, readReplyFraming, readReplyHead, type ReplyHead } from './peer.ts';

/**
 * Makes a Call on a fresh connection that serves for this alone. It leaves no listener on the Link, so a tunnel keeps
 * nothing of the exchange. If nothing was opened, the rest of the connection is the body of the answer. The function is
 * not part of Http1Client, so that a program that only opens tunnels does not load the code for bodies.
 * @throws {TunlError} after the Link was reset
 */
export async function openHttp1(link: Link, peer: Http1Peer, call: Call, signal: AbortSignal): Promise<Reply> {
  try {
    const head = await askHttp1(link, peer, call, signal);
    const opened = toOpenedReply(link, peer, call, head);
    if (opened) return opened;
    return { ...head, body: link.stream, trailers: () => [], cancel: (error) => link.reset(error) };
  } catch (error) {
    link.reset(error as Error);
    throw error;
  }
}

/**
 * Writes the head of a Call at once, and resolves with the head of its final answer. `framing` are the fields that tell
 * how its body ends.
 * @throws {TunlError} that names the peer and what it did; the signal's reason
 */
export async function askHttp1(
  link: Link,
  peer: Http1Peer,
  call: Call,
  signal: AbortSignal,
  framing: readonly HeaderField[] = [],
): Promise<ReplyHead> {
  link.stream.write(formatCallHead(call, peer.version, framing), 'latin1');
  for (let interim = 0; interim <= maxInterim; interim++) {
    const head = await readReplyHead(link.stream, peer, signal);
    // 101 changes the protocol: it is an answer, not a step, whether we asked for it or not.
    if (head.status >= 200 || head.status === 101) return head;
    // A 100 only permits the body, which is sent anyway.
    if (head.status !== 100) call.onInterim?.(head.status, head.headers);
  }
  const { name, side, phase } = peer;
  throw new TunlError('http_protocol_error', `${name} sends interim answers without end`, { side, phase });
}

/**
 * Makes the answer of a Call that opened what it asked for; undefined if this one did not.
 * @throws {TunlError} http_protocol_error if the bodies of the exchange are the tunnel, and cannot be told apart
 */
export function toOpenedReply(link: Link, peer: Http1Peer, { opens }: Call, head: ReplyHead): Reply | undefined {
  const { status, headers } = head;
  const isUsual = opens?.kind === 'upgrade' ? status === 101 : isSuccess(status);
  if (!opens || !(opens.isAccepted?.(status) ?? isUsual)) return undefined;
  // Without frames the connection itself is the tunnel, whatever length the answer states.
  const opened = opens.kind === 'bodies' ? bodyLink(link, readReplyFraming(headers, peer)) : link;
  const cancel = (error: Error) => opened.reset(error);
  return { ...head, link: opened, body: opened.stream, trailers: () => [], cancel };
}

/** A `Host` that stands first among the fields is written as it is, in place of the authority. */
function formatCallHead(
  { method, target, authority, headers }: Call,
  version: string,
  framing: readonly HeaderField[],
): string {
  const host: HeaderField[] = headers[0]?.[0].toLowerCase() === 'host' ? [] : [['host', authority]];
  return formatHead(`${method} ${target} HTTP/${version}`, [...host, ...headers, ...framing]);
}
