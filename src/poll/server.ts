import type { ClaimTerms } from '../core/carrier.ts';
import { requestError, TunlError } from '../core/errors.ts';
import type { Exchange, TransferRequest, TunnelRequest } from '../core/exchange.ts';
import { FlowLink } from '../core/flow-duplex.ts';
import { assertNoOrigin, originTerms, readCredentials, toTunnelRequest } from '../http/server/tunnel-request.ts';
import { parseTunnelPath } from '../http/wire/tunnel-path.ts';
import { readField } from '../resume/fields.ts';
import { farTransports } from './far.ts';
import { readRequest } from './fields.ts';
import { usualHoldMs } from './hold.ts';

/**
 * Recognises the requests of tunnels that consist of requests: those that open one or bring another transport, and
 * those that carry its bytes. They have a path and never a URL.
 * @throws {TunlError} http_request_error or http_request_denied
 */
export function claimPoll(exchange: Exchange, { pathPrefix }: ClaimTerms): TunnelRequest | TransferRequest | undefined {
  const { target: path, version, sentScheme } = exchange;
  const prefix = `${pathPrefix}/poll`;
  // A target in absolute form is that of a plain request; over HTTP/2 the two look the same.
  if (!path.startsWith(`${prefix}/`) || (version !== '2' && sentScheme !== undefined)) return undefined;
  assertNoOrigin(exchange);
  // Reading the length proves that the body has one framing only, before anything is dialled.
  void exchange.isBodiless;
  const [, kind] = /^\/(up|down)\/[\w-]{1,64}$/.exec(path.slice(prefix.length)) ?? [];
  if (kind === undefined) return claimTunnel(exchange, prefix);
  assertMethod(exchange, kind === 'up' ? 'POST' : 'GET');
  const request = readRequest(exchange.headers);
  if (request?.kind !== kind) throw requestError('the request does not say which bytes it carries');
  return {
    ...readCredentials(exchange, originTerms.credentialsField),
    challenge: originTerms.challenge,
    serve: (client) => farTransports.serve(exchange, request, client),
  };
}

function claimTunnel(exchange: Exchange, prefix: string): TunnelRequest | undefined {
  const target = parseTunnelPath(exchange.target, prefix);
  if (!target) return undefined;
  assertMethod(exchange, 'POST');
  const message = readField(exchange.headers);
  if (message === undefined || message === 'broken' || (message.kind !== 'open' && message.kind !== 'attach')) {
    throw requestError('the request has no valid Tunl-Resume field');
  }
  return {
    ...toTunnelRequest(exchange, {
      ...originTerms,
      target,
      accept: (headers, carried) => {
        if (!carried) throw new TunlError('internal', 'a tunnel of requests has no stream');
        const transport = farTransports.open(carried);
        exchange.hold();
        exchange.answer(200, [...headers, ['Cache-Control', 'no-store, no-transform'], ['Content-Length', '0']]).end();
        return new FlowLink(transport, exchange.peer);
      },
    }),
    holdMs: usualHoldMs,
  };
}

function assertMethod({ method }: Exchange, right: 'GET' | 'POST'): void {
  if (method === right) return;
  throw requestError(`the path is for ${right} and not for ${method}`, { status: 405 });
}
