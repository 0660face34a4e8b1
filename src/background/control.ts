import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';

/** A listener of an instance. */
export interface InstanceListener {
  readonly role: 'forward' | 'serve' | 'admin';
  readonly address: string;
  readonly port?: number;
  readonly target?: string;
  readonly front?: string;
  readonly via: readonly string[];
}

/** The facts that an instance tells about itself. They have no secrets. */
export interface InstanceStatus {
  readonly version: 1;
  readonly name: string;
  /** Differs in each run. */
  readonly id: string;
  readonly pid: number;
  readonly state: 'starting' | 'listening' | 'draining';
  /** The command line without secrets. */
  readonly command: string;
  readonly folder: string;
  /** Start as an ISO 8601 time in UTC, and the age in milliseconds. */
  readonly started: string;
  readonly ms: number;
  readonly listeners: readonly InstanceListener[];
  /** The open tunnels. */
  readonly tunnels: number;
  /** Bytes of all tunnels so far, from clients to targets and back. */
  readonly sent: number;
  readonly received: number;
  /** The last tunnel that could not be opened. */
  readonly lastFailure: { readonly time: string; readonly code: string; readonly message: string } | null;
}

/**
 * What a client may ask on the control socket: a line of JSON with `version` and `ask`. The answer is one line, the
 * status. After `stop` and `end` the connection then stays open until the process has ended; `stop` counts as a SIGTERM.
 */
export type ControlAsk = 'status' | 'stop' | 'end';

/** The instance behind a control socket. */
export interface ControlSubject {
  status(): InstanceStatus;
  stop(): void;
}

/** The longest line of either side, in characters. */
const maxQuestion = 1024;
const maxAnswer = 1024 * 1024;

/** The time that a client has for its question, in milliseconds. */
const questionMs = 10_000;

/** Answers one client of the control socket. It never fails. */
export function answerControl(link: Link, subject: ControlSubject): void {
  const { stream } = link;
  const timer = setTimeout(() => stream.destroy(), questionMs);
  timer.unref();
  stream.once('close', () => clearTimeout(timer));
  void readLine(link, maxQuestion).then(
    (line) => {
      clearTimeout(timer);
      const ask = parseAsk(line);
      if (ask === undefined) return void stream.destroy();
      if (ask === 'stop') subject.stop();
      const answer = `${JSON.stringify(subject.status())}\n`;
      if (ask === 'status') return void stream.end(answer);
      stream.write(answer);
      // The client leaves by ending its half.
      stream.once('end', () => stream.end());
      stream.resume();
    },
    () => stream.destroy(),
  );
}

function parseAsk(line: string): ControlAsk | undefined {
  try {
    const { ask } = JSON.parse(line) as { ask?: unknown };
    return ask === 'status' || ask === 'stop' || ask === 'end' ? ask : undefined;
  } catch {
    return undefined;
  }
}

/** The answer of an instance. */
export interface ControlAnswer {
  readonly status: InstanceStatus;
  /** Resolves once the connection has ended: after `stop` and `end` that is when the process has. */
  readonly ended: Promise<void>;
  /** Closes the connection; what was asked for stays asked for. */
  leave(): void;
}

/**
 * Asks an instance over a Link to its control socket, and closes the Link in the end.
 * @throws {TunlError} connection_timeout, if it does not answer in time; connection_terminated, if it ends before
 */
export async function askControl(link: Link, ask: ControlAsk, limitMs: number): Promise<ControlAnswer> {
  const { stream } = link;
  const ended = new Promise<void>((resolve) => {
    stream
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `no answer on the control socket within ${limitMs / 1000} s`;
    timer = setTimeout(() => reject(new TunlError('connection_timeout', message)), limitMs);
  });
  try {
    stream.write(`${JSON.stringify({ version: 1, ask })}\n`);
    const line = await Promise.race([readLine(link, maxAnswer), late]);
    stream.resume();
    const status = parseStatus(line);
    return { status, ended: ended.then(() => void stream.destroy()), leave: () => void stream.destroy() };
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function parseStatus(line: string): InstanceStatus {
  try {
    return JSON.parse(line) as InstanceStatus;
  } catch (error) {
    throw new TunlError('connection_terminated', 'the answer on the control socket is not JSON', { cause: error });
  }
}

/** Reads up to the first line break. */
function readLine({ stream }: Link, maxLength: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (act: () => void) => {
      stream.off('data', onData).off('end', onEnd).off('error', onEnd).off('close', onEnd);
      act();
    };
    const onEnd = () => settle(() => reject(new TunlError('connection_terminated', 'it ended without an answer')));
    const onData = (chunk: Buffer) => {
      text += chunk.toString();
      const at = text.indexOf('\n');
      if (at >= 0) settle(() => resolve(text.slice(0, at)));
      else if (text.length > maxLength) onEnd();
    };
    stream.on('data', onData).once('end', onEnd).once('error', onEnd).once('close', onEnd);
  });
}
