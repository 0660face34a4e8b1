import { wrongPassword } from '../auth/model/scheme.ts';
import { type Address, formatAddress, type TcpAddress } from '../core/address.ts';
import type { DialContext } from '../core/dialer.ts';
import { type ErrorCode, type ErrorFacts, TunlError } from '../core/errors.ts';
import { formatPlace, type Hop } from '../core/hop.ts';
import { type Link, resetError } from '../core/link.ts';
import { readHalfClose, withHalfClose } from '../http/tunnel/half-close.ts';
import { userAdvice } from '../http/tunnel/refusal-hints.ts';
import { OneTunnelSession } from '../http/tunnel/one-tunnel.ts';
import { assertTunnelled } from '../http/tunnel/request-fields.ts';
import { findRefusal, recogniseStranger } from './answers.ts';
import { askSocks4, askSocks5, type Outcome } from './ask.ts';
import { ShortRead } from './bytes.ts';

/** One connection to a SOCKS server, for one tunnel. */
export class SocksSession extends OneTunnelSession {
  readonly #hop: Hop;
  readonly #version: 4 | 5;

  constructor(link: Link, hop: Hop, version: 4 | 5) {
    super(link);
    this.#hop = hop;
    this.#version = version;
  }

  /** The Link is the one that the session was made of: SOCKS adds nothing to the bytes. */
  override async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    const target = assertTunnelled(address);
    this.use();
    const [link, hop] = [this.link, this.#hop];
    try {
      const outcome = await this.#ask(target, ctx.signal);
      if (outcome.kind !== 'opened') throw this.#explain(outcome, target, ctx);
      return withHalfClose(link, readHalfClose(hop, [], 'wait', link.halfClose));
    } catch (error) {
      link.reset(error instanceof Error ? error : resetError('the tunnel was not opened'));
      throw error instanceof ShortRead ? this.#explainClosing(error, target) : error;
    }
  }

  #ask(target: TcpAddress, signal: AbortSignal): Promise<Outcome> {
    const ask = this.#version === 5 ? askSocks5 : askSocks4;
    return ask(this.link.stream, target, this.#hop.credentials, signal);
  }

  #explain(outcome: Exclude<Outcome, { kind: 'opened' }>, target: TcpAddress, ctx: DialContext): TunlError {
    const refused = `refused CONNECT ${formatTarget(target)}`;
    switch (outcome.kind) {
      case 'refused': {
        const { code, side, words, hint } = findRefusal(this.#version, outcome.answer);
        const number = `0x${outcome.answer.toString(16).padStart(2, '0')}`;
        // Without a hop the address is the target's own.
        const isOfTarget = side === 'target' && !ctx.hop;
        return this.#error(code, `${refused}: ${words} (${number})`, {
          side: isOfTarget ? 'target' : 'hop',
          ...(hint !== undefined && { hints: [hint] }),
        });
      }
      case 'no-method':
        return this.#error('auth_required', `${refused}: it wants to know who we are`, {
          hints: [this.#hop.credentials ? 'it accepts neither a user with a password nor none' : userAdvice(this.#hop)],
        });
      case 'bad-login':
        return this.#error('auth_required', `${refused}: it did not accept the user and the password`, {
          hints: [wrongPassword],
          refusedPassword: true,
        });
      case 'stranger': {
        const { words, hints } = recogniseStranger(this.#version, outcome.received);
        return this.#error('http_protocol_error', `is not a SOCKS${this.#version} proxy: it answered with ${words}`, {
          hints,
        });
      }
    }
  }

  #explainClosing({ cause, received }: ShortRead, target: TcpAddress): TunlError {
    const what = `closed the connection before it answered CONNECT ${formatTarget(target)}`;
    const hint =
      this.#version === 4
        ? 'proxies for SOCKS5 only close like this: write socks5:// or socks5h://'
        : 'ssh -D closes like this if the target cannot be reached';
    return this.#error('connection_terminated', what, { cause, hints: received.length === 0 ? [hint] : [] });
  }

  #error(code: ErrorCode, what: string, facts: ErrorFacts): TunlError {
    return new TunlError(code, `${formatPlace(this.#hop.address)} ${what}`, {
      side: 'hop',
      phase: 'handshake',
      ...facts,
    });
  }
}

/** Names a target in messages, with the address that stood in the place of its name. */
function formatTarget(target: TcpAddress): string {
  const [asked] = target.resolved ?? [];
  const isNamed = asked && asked.address !== target.host;
  return `${formatAddress(target)}${isNamed ? ` (${asked.address})` : ''}`;
}
