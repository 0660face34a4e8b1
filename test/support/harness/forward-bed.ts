import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { Abort } from '../../../src/core/abort.ts';
import type { Dial } from '../../../src/core/dialer.ts';
import { toTunlError, TunlError } from '../../../src/core/errors.ts';
import type { ForwardContext, Exchange, RequestEnd } from '../../../src/core/exchange.ts';
import { type Link, linkPair } from '../../../src/core/link.ts';
import { socketLink } from '../../../src/core/socket-link.ts';
import { requestServerSetup } from '../../../src/http/h2/setup.ts';
import { serveRequests } from '../../../src/http/server/front.ts';
import { rejectExchange } from '../../../src/http/server/tunnel-request.ts';
import { createForwarder } from '../../../src/router/forward.ts';
import type { Forwarder, ForwarderOptions, ForwardTerms } from '../../../src/router/forwarder.ts';
import { relay } from '../../../src/relay/relay.ts';
import { RawPeer } from '../peers/raw-peer.ts';
import type { Target } from '../targets/plain.ts';

/** The options with which requests are forwarded. */
export interface ForwardBedOptions
  extends Partial<Omit<ForwardTerms, 'target'>>, Partial<Pick<ForwarderOptions, 'version' | 'sessions' | 'dial'>> {
  readonly target: Target;
}

/** Clients on one side, an upstream on the other, and the code that forwards requests between them. */
export interface ForwardBed {
  readonly forwarder: Forwarder;
  /** Opens another client connection, for a client with its own implementation of HTTP. */
  open(): Link;
  /** Does the same for a test that reads and writes the bytes itself. */
  connect(options?: { reading?: boolean }): RawPeer;
  /** Sends later requests to another upstream. */
  leadTo(target: Target): void;
  /** The number of requests so far. */
  readonly asked: number;
  /** The outcomes of the finished requests, and the reasons for those that were refused. */
  readonly ends: readonly RequestEnd[];
  readonly refusals: readonly TunlError[];
  /** The address that each request went to. */
  readonly upstreams: readonly string[];
}

/** Connects to a target. */
const dialTarget: Dial = async (address) => {
  if (address.kind !== 'tcp') throw new Error('not a target');
  const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
  const link = socketLink(socket, { address });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', (cause) => {
      reject(
        new TunlError('connection_refused', `${address.port} refused the connection`, {
          side: 'target',
          phase: 'connect',
          cause,
        }),
      );
    });
  });
  return link;
};

/** Starts forwarding requests. */
export function startForwardBed({ target, ...options }: ForwardBedOptions): ForwardBed {
  const { version = 'http1', sessions = 'shared', dial = dialTarget } = options;
  const forwarder = createForwarder({ name: 'web', dial, version, sessions, handshakeMs: 4000 });
  let terms: ForwardTerms = { timeoutMs: 0, upgrades: [], ...options, target: target.address };
  const ends: RequestEnd[] = [];
  const refusals: TunlError[] = [];
  const upstreams: string[] = [];
  const draining = new Abort();
  onTestFinished(() => {
    draining.abort(new Error('the test is over'));
    // Not awaited, because sessions send GOAWAY to a peer played by the test, which may not answer.
    void forwarder.close();
  });
  let asked = 0;
  const onRequest = (request: Exchange) => {
    asked++;
    const ctx: ForwardContext = {
      signal: request.gone,
      origin: { peer: request.peer },
      onUpstream: ({ address }) => void upstreams.push(address),
      join: async (client, upstream) => void (await relay(client, upstream, { idleMs: 0, lingerMs: 0 }).done),
    };
    forwarder.forward(request, terms, ctx).catch((error: unknown) => {
      const refusal = toTunlError(error);
      refusals.push(refusal);
      void rejectExchange(request, refusal);
    });
    void request.done.then((end) => ends.push(end));
  };
  const open = (): Link => {
    const [near, far] = linkPair({ first: { address: { kind: 'tcp', host: '192.0.2.1', port: 4711 } } });
    const setup = {
      ...requestServerSetup,
      streamWindowBytes: 65_536,
      sessionWindowBytes: 1_048_576,
      maxStreams: 200,
      maxHeaderBytes: 60 * 1024,
      pingMs: 0,
      extendedConnect: true,
    };
    const http1 = { headMs: 4000, keepAliveMs: 4000, maxHeadBytes: 60 * 1024, maxLineBytes: 60 * 1024 };
    const profile = { codec: 'auto', perConnection: 'many', translatable: true, http1, http2: setup } as const;
    serveRequests(near, profile, draining.signal, onRequest).catch(() => {});
    onTestFinished(() => near.reset(new Error('the test is over')));
    return far;
  };
  return {
    forwarder,
    leadTo: (other) => void (terms = { ...terms, target: other.address }),
    get asked() {
      return asked;
    },
    ends,
    refusals,
    upstreams,
    open,
    connect: (options) => new RawPeer(open(), options),
  };
}

/** Formats a head from its lines. */
export function head(...lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Returns the lines of a received head, with fixed values for the parts that differ each time. */
export function linesOf(text: string): string[] {
  return text
    .replace(/^(x-request-id): [0-9a-f-]{36}$/im, '$1: UUID')
    .replace(/^(date): .{29}$/im, '$1: NOW')
    .split('\r\n')
    .slice(0, -2);
}
