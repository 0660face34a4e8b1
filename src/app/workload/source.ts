import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { UnixAddress } from '../../core/address.ts';
import { within } from '../../core/deadline.ts';
import { toTunlError, TunlError, usageError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import { connectUnix } from '../../dial/connect.ts';
import type { CallBody, Reply } from '../../http/call.ts';
import { callHttp2 } from '../../http/h2/call.ts';
import { openSession } from '../../http/h2/sessions/client.ts';
import { clientSetup } from '../../http/h2/setup.ts';
import { parseSocket, parseUnix } from '../../syntax/listen.ts';
import { readSvid, type Svid } from './svid.ts';

/** The time in which an agent that is asked must give a certificate, in milliseconds. */
const answerMs = 10_000;

/** The first and the longest wait before an agent that went away is asked again, in milliseconds. */
const [leastWaitMs, mostWaitMs] = [250, 30_000];

/** An agent that stayed for so long works again, in milliseconds. */
const steadyMs = 30_000;

/** The largest message that is read: an identity with the authorities of many trust domains. */
const maxMessageBytes = 4 * 1024 * 1024;

/** Certificates of a SPIFFE agent, renewed as it sends them. */
export interface WorkloadSource {
  /** The identity in use. */
  readonly current: Svid;
  close(): void;
}

/** How a source reports. */
export interface WorkloadTerms {
  readonly emit: EventSink;
  /** Called with each identity after the first. If it rejects, the parts before stay in use and a warning says so. */
  readonly onRenew: () => Promise<void>;
  /** The time in which the agent must give a certificate each time that it is asked, in milliseconds. Default: 10 s. */
  readonly limitMs?: number;
}

/**
 * Asks the SPIFFE agent at a Unix socket (`unix:PATH`, as in SPIFFE_ENDPOINT_SOCKET) who we are, and listens on for
 * renewals: SPIFFE Workload API, FetchX509SVID. Later failures keep the identity that is there; the agent is asked again,
 * waiting longer each time.
 * @throws {TunlError} usage, if it gives no identity in time
 */
export async function openWorkloadSource(
  place: string,
  { emit, onRenew, limitMs = answerMs }: WorkloadTerms,
): Promise<WorkloadSource> {
  const address = parseUnix(parseSocket(place, 'spiffe'));
  const closing = new AbortController();
  const { signal } = closing;
  const what = `the SPIFFE agent at ${place}`;
  const warn = (message: string) => emit({ event: 'notice', level: 'warning', message });
  const limit = { ms: limitMs, phase: 'tls', option: 'spiffe', code: 'usage' } as const;
  const ask = () =>
    within(limit, signal, `${what} gave no identity`, async (attempt) => {
      const opened = await SvidStream.open(address, attempt);
      try {
        return [opened, await opened.next(attempt)] as const;
      } catch (error) {
        opened.close();
        throw error;
      }
    });
  let stream: SvidStream;
  let current: Svid;
  let last: Buffer | undefined;
  try {
    [stream, last] = await ask();
    try {
      current = readSvid(last);
    } catch (error) {
      stream.close();
      throw error;
    }
  } catch (error) {
    const failure = toTunlError(error);
    throw usageError(`${what} gives no identity: ${failure.message}`, ...(failure.facts.hints ?? [])).with({
      cause: error,
    });
  }
  const renew = async (message: Buffer) => {
    // An agent that comes back begins with what it has said already.
    if (last?.equals(message)) return;
    const before = current;
    try {
      current = readSvid(message);
      await onRenew();
      last = message;
      emit({ event: 'notice', level: 'verbose', message: `${what} renewed the certificate of ${current.id}` });
    } catch (error) {
      current = before;
      warn(`${what} sent what cannot be used, the old certificate stays: ${toTunlError(error).message}`);
    }
  };
  const follow = async () => {
    for (let failures = 0; !signal.aborted; failures++) {
      const since = performance.now();
      try {
        if (failures > 0) {
          const [opened, first] = await ask();
          stream = opened;
          await renew(first);
        }
        stream.unref();
        for (;;) {
          await renew(await stream.next(signal));
        }
      } catch (error) {
        stream.close();
        if (signal.aborted) return;
        // Nothing after the first failure is new, until the agent has stayed for a while.
        if (performance.now() - since > steadyMs) failures = 0;
        if (failures === 0) warn(`${what} is gone, the certificate stays: ${toTunlError(error).message}`);
        await wait(Math.min(leastWaitMs * 2 ** failures, mostWaitMs), signal);
      }
    }
  };
  void follow();
  return {
    get current() {
      return current;
    },
    close() {
      closing.abort(new TunlError('interrupted', 'closed'));
      stream.close();
    },
  };
}

/** Waits without keeping the process alive; half to all of the time, so that not all programs ask at once. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return delay((ms * (1 + Math.random())) / 2, undefined, { ref: false, signal }).catch(() => {});
}

type Session = Awaited<ReturnType<typeof openSession>>;

/** The messages of one FetchX509SVID: gRPC over HTTP/2, of which a message has five bytes in front. */
class SvidStream {
  readonly #session: Session;
  readonly #reply: Reply;
  readonly #unref: () => void;
  #received: Buffer = Buffer.alloc(0);

  private constructor(session: Session, reply: Reply, unref: () => void) {
    this.#session = session;
    this.#reply = reply;
    this.#unref = unref;
  }

  static async open(address: UnixAddress, signal: AbortSignal): Promise<SvidStream> {
    const link = await connectUnix(address, { what: `unix:${address.path}`, side: 'hop', signal });
    const session = await openSession(link, { ...clientSetup, pingMs: 0 }, signal);
    try {
      const reply = await callHttp2(
        session,
        {
          method: 'POST',
          target: '/SpiffeWorkloadAPI/FetchX509SVID',
          authority: 'localhost',
          scheme: 'http',
          headers: [
            ['te', 'trailers'],
            ['content-type', 'application/grpc'],
            // Proof that no browser was tricked into asking (section 4.1).
            ['workload.spiffe.io', 'true'],
          ],
          body: toBody(Buffer.alloc(5)),
        },
        { name: `unix:${address.path}`, side: 'hop', phase: 'handshake' },
        signal,
      );
      const { stream } = link as { stream: { unref?: () => void } };
      const opened = new SvidStream(session, reply, () => stream.unref?.());
      if (reply.status !== 200)
        throw new TunlError('http_protocol_error', `it answers with the status ${reply.status}`);
      return opened;
    } catch (error) {
      void session.close('now');
      throw error;
    }
  }

  /** Lets the process end while nothing is to be read. */
  unref(): void {
    this.#unref();
  }

  /** Waits for the next message. @throws {TunlError} if the stream is over, with the reason that the agent gives */
  next(signal: AbortSignal): Promise<Buffer> {
    const { body } = this.#reply;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        body.off('data', onData).off('end', onEnd).off('error', reject).off('close', onEnd);
        signal.removeEventListener('abort', onEnd);
        body.pause();
        act();
      };
      const onEnd = () => settle(() => reject(this.#explainEnd()));
      const onData = (chunk?: Buffer) => {
        if (chunk) this.#received = Buffer.concat([this.#received, chunk]);
        try {
          const message = this.#take();
          if (message) settle(() => resolve(message));
        } catch (error) {
          settle(() => reject(error as Error));
        }
      };
      body.on('data', onData).once('end', onEnd).once('error', reject).once('close', onEnd);
      signal.addEventListener('abort', onEnd, { once: true });
      if (signal.aborted || body.readableEnded || body.destroyed) return onEnd();
      body.resume();
      onData();
    });
  }

  close(): void {
    this.#reply.body.on('error', () => {});
    this.#reply.cancel(new Error('no longer needed'));
    void this.#session.close('now');
  }

  #take(): Buffer | undefined {
    const received = this.#received;
    if (received.length < 5) return undefined;
    const length = received.readUInt32BE(1);
    if (received[0] !== 0 || length > maxMessageBytes)
      throw new TunlError('http_protocol_error', 'it sends a message that is compressed or too large');
    if (received.length < 5 + length) return undefined;
    this.#received = received.subarray(5 + length);
    return received.subarray(5, 5 + length);
  }

  #explainEnd(): TunlError {
    // Without a message the answer has only one head, which has the status too.
    const fields = new Map([...this.#reply.headers, ...this.#reply.trailers()]);
    const [status = '', text = ''] = [fields.get('grpc-status'), fields.get('grpc-message')];
    if (status === '' || status === '0') return new TunlError('http_response_incomplete', 'it ended the stream');
    const hints = status === '7' ? ['it has no registration for this process'] : [];
    return new TunlError('http_response_incomplete', `it says ${decode(text) || `status ${status}`}`, { hints });
  }
}

/** A gRPC message is percent-encoded. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text).replaceAll(/[^\x20-\x7e]/g, '?');
  } catch {
    return text;
  }
}

/** A request without any field is an empty message. */
function toBody(bytes: Buffer): CallBody {
  return { source: Readable.from([bytes]), bytes: bytes.length, trailers: () => [], isTaken: false };
}
