import type { Duplex } from 'node:stream';
import { Abort } from '../core/abort.ts';
import { formatHostPort, type TcpAddress } from '../core/address.ts';
import { abortReason, lateRequest, requestLimit, within } from '../core/deadline.ts';
import { errorTable, requestError, toTunlError, type TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { closeStaged } from '../http/h1/close.ts';
import { ShortRead } from '../socks/bytes.ts';
import {
  formatAnswer4,
  formatAnswer5,
  formatMethod,
  formatVerdict,
  MalformedMessage,
  peekByte,
  readGreeting,
  readLogin,
  readRequest4,
  readRequest5,
  type SocksAddress,
} from '../socks/server-messages.ts';
import { answers4, answers5, connectCommand, methods, versions } from '../socks/wire.ts';
import { parseAuthority } from '../syntax/authority.ts';
import { leftEarly } from './first-byte.ts';
import type { FrontTerms, TunnelAsk } from './front.ts';

/** The parts that reading one request needs. */
interface Reading {
  readonly stream: Duplex;
  /** Aborted if the client leaves, or if we are stopping. */
  readonly gone: AbortSignal;
  /** Reads one message within the limit of time. */
  readonly read: <T>(message: (stream: Duplex, signal: AbortSignal) => Promise<T>) => Promise<T>;
  readonly authenticate: FrontTerms['authenticate'];
}

/** A request that has been read, and the bytes of its answers. */
interface TakenRequest {
  readonly version: 4 | 5;
  readonly target: TcpAddress;
  readonly granted: Buffer;
  readonly refusal: (error: TunlError) => Buffer;
}

/**
 * Reads the request of a client of SOCKS 4, 4a or 5 and hands it over. A client that is refused before is told so, and
 * its Link closed; one that says nothing in time is reset.
 * @throws {TunlError} if there is no request that can be served
 */
export async function serveSocks(link: Link, terms: FrontTerms): Promise<void> {
  const { stream } = link;
  const { draining, authenticate, requests } = terms;
  const gone = new Abort();
  const onClose = () => gone.abort(leftEarly(stream.errored));
  const onDraining = () => gone.abort(abortReason(draining));
  // A paused socket goes on reading up to its high-water mark, so a reset is noticed while we dial.
  stream.once('close', onClose);
  draining.addEventListener('abort', onDraining, { once: true });
  if (stream.destroyed) onClose();
  if (draining.aborted) onDraining();
  try {
    const limit = requestLimit(requests.http1.headMs);
    const read: Reading['read'] = (message) =>
      within(limit, gone.signal, lateRequest, (signal) => message(stream, signal));
    const request = await takeRequest({ stream, gone: gone.signal, read, authenticate });
    terms.onTunnel(toAsk(link, request, gone.signal, () => stream.off('close', onClose)));
  } catch (error) {
    stream.off('close', onClose);
    throw refuse(link, error);
  } finally {
    draining.removeEventListener('abort', onDraining);
  }
}

function toAsk(link: Link, request: TakenRequest, gone: AbortSignal, onAnswer: () => void): TunnelAsk {
  return {
    target: request.target,
    protocol: `SOCKS/${request.version}`,
    peer: link.peer,
    gone,
    accept: () => {
      onAnswer();
      link.stream.write(request.granted);
      return link;
    },
    refuse: async (error) => {
      onAnswer();
      await answerAndClose(link, request.refusal(error));
    },
  };
}

async function takeRequest(reading: Reading): Promise<TakenRequest> {
  const first = await reading.read(peekByte);
  return first === versions.socks5 ? takeSocks5(reading) : takeSocks4(reading);
}

async function takeSocks5({ stream, gone, read, authenticate }: Reading): Promise<TakenRequest> {
  const method = chooseMethod(await read(readGreeting), authenticate !== undefined);
  stream.write(formatMethod(method));
  if (method === methods.unacceptable)
    throw authenticate ? needsPassword() : requestError('the client offers no way that is known');
  if (method === methods.password) {
    const credentials = await read(readLogin);
    await authenticate?.(credentials, gone).catch((error: unknown) => {
      throw new AnsweredError(formatVerdict(false), error);
    });
    stream.write(formatVerdict(true));
  }
  const { command, address } = await read(readRequest5);
  const refuseAs = (answer: number, error: unknown) => new AnsweredError(formatAnswer5(answer), error);
  if (command !== connectCommand)
    throw refuseAs(answers5.noSuchCommand, requestError(`the command ${command} is unknown`));
  if (!address) throw refuseAs(answers5.noSuchAddress, requestError('the address has an unknown type'));
  return {
    version: 5,
    target: toTarget(address, (error) => refuseAs(answers5.failed, error)),
    granted: formatAnswer5(answers5.succeeded),
    refusal: ({ code }) => formatAnswer5(errorTable[code].socks),
  };
}

async function takeSocks4({ read, authenticate }: Reading): Promise<TakenRequest> {
  const { command, address } = await read(readRequest4);
  const rejected = formatAnswer4(answers4.rejected);
  if (command !== connectCommand) throw new AnsweredError(rejected, requestError(`the command ${command} is unknown`));
  if (authenticate) throw new AnsweredError(rejected, needsPassword('SOCKS 4 has none: let the client speak SOCKS 5'));
  return {
    version: 4,
    target: toTarget(address, (error) => new AnsweredError(rejected, error)),
    granted: formatAnswer4(answers4.granted),
    refusal: () => rejected,
  };
}

/**
 * Chooses how a client authenticates. One that offers nothing but a password gets its way where nobody needs one, and
 * any password is right.
 */
function chooseMethod(offered: readonly number[], isRequired: boolean): number {
  if (!isRequired && offered.includes(methods.none)) return methods.none;
  return offered.includes(methods.password) ? methods.password : methods.unacceptable;
}

/** Reads the target by the rules for HTTP. @throws {Error} what `blame` makes of a TunlError */
function toTarget({ host, port }: SocksAddress, blame: (error: unknown) => Error): TcpAddress {
  try {
    return parseAuthority(formatHostPort(host, port));
  } catch (error) {
    throw blame(error);
  }
}

/** A failure, with the bytes that tell the client of it. */
class AnsweredError extends Error {
  readonly answer: Buffer;

  constructor(answer: Buffer, cause: unknown) {
    super('refused', { cause });
    this.answer = answer;
  }
}

/** Refuses a client and lets its Link close. Returns the error for our records. */
function refuse(link: Link, error: unknown): TunlError {
  if (error instanceof AnsweredError) {
    void answerAndClose(link, error.answer);
    return toTunlError(error.cause);
  }
  const failure = toRequestError(error);
  if (failure.code === 'connection_terminated' || failure.side === 'self') link.reset(failure);
  else void answerAndClose(link, Buffer.alloc(0));
  return failure;
}

async function answerAndClose(link: Link, answer: Buffer): Promise<void> {
  if (link.stream.destroyed) return;
  if (answer.length > 0) link.stream.write(answer);
  await closeStaged(link);
}

function toRequestError(error: unknown): TunlError {
  if (error instanceof ShortRead) return leftEarly(error);
  return error instanceof MalformedMessage ? requestError(`this is not SOCKS: ${error.message}`) : toTunlError(error);
}

function needsPassword(...hints: readonly string[]): TunlError {
  return requestError('credentials are required', { phase: 'policy', hints });
}
