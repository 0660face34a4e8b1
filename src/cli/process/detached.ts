import process from 'node:process';
import { Writable } from 'node:stream';
import { Instance } from '../../app/commands/instance.ts';
import { openInstanceLog, prepareInstanceLog } from '../../app/commands/instances.ts';
import { exitOf, toTunlError, usageError } from '../../core/errors.ts';
import type { Background, Io } from '../terminal/io.ts';
import { interruptedBy } from './signals.ts';
import type { DetachedMessage, StarterMessage } from './starter.ts';
import { formatTitle } from './title.ts';

type Start = Extract<StarterMessage, { kind: 'start' }>;

/**
 * Runs a command line in the background: it comes from the process that started this one, which asks the questions and
 * shows what is said until everything listens. Resolves with the exit status.
 * @throws {TunlError} usage, if no tunl has started this process
 */
export async function runDetached(run: (words: readonly string[], io: Io) => Promise<number>): Promise<number> {
  const starter = new Starter();
  const { words, name, env: secrets } = await starter.begin();
  const env = { ...process.env, ...secrets };
  const command = formatTitle(words) ?? ['tunl', ...words].join(' ');
  process.title = command;
  const stop = () => void process.kill(process.pid, 'SIGTERM');
  let instance: Instance;
  try {
    instance = await Instance.start({ env, name, command, stop });
  } catch (error) {
    const { message, facts } = toTunlError(error);
    await starter.tell({ kind: 'refused', message, hints: facts.hints ?? [] });
    return exitOf(toTunlError(error));
  }
  const log = openInstanceLog(name, env);
  const stderr = new Writable({
    decodeStrings: false,
    write: (lines: string | Buffer, _encoding, done) => {
      log.write(String(lines));
      void starter.tell({ kind: 'say', lines: String(lines) });
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const background: Background = {
    name,
    openLog: () => prepareInstanceLog(name, env),
    note: (event) => instance.note(event),
    noteAddresses: (addresses) => instance.noteAddresses(addresses),
    noteReady: (tunnels) => {
      instance.noteReady(tunnels);
      void starter.leave();
    },
    ask: (question) => starter.ask({ kind: 'ask', question }) ?? Promise.resolve(undefined),
    runForSecret: (text, limitMs) =>
      starter.ask({ kind: 'run', command: text, limitMs })?.then((answer) => answer ?? ''),
  };
  const { stdin, stdout } = process;
  const io: Io = { stdin, stdout, stderr, env, background, on: process.on.bind(process) };
  const status = await run(words, io);
  // With --json a log has nothing but JSON.
  if (!words.includes('--json')) log.write(`tunl: ended with status ${status}\n`);
  await instance.close();
  await starter.tell({ kind: 'end', status });
  return status;
}

/** A question without its number. */
type Question =
  | { readonly kind: 'ask'; readonly question: string }
  | { readonly kind: 'run'; readonly command: string; readonly limitMs: number };

/** The process that started this one, until it has left. */
class Starter {
  readonly #waiting = new Map<
    number,
    { resolve: (text: string | undefined) => void; reject: (error: Error) => void }
  >();
  #lastId = 0;
  #hasLeft = false;

  /** Receives the command line. @throws {TunlError} usage, if nobody sends one */
  begin(): Promise<Start> {
    const stranger = usageError('this is a part of --detach, and not an option', 'write tunl forward SPEC --detach');
    if (!process.send) return Promise.reject(stranger);
    return new Promise((resolve, reject) => {
      process.once('disconnect', () => {
        reject(stranger);
        this.#onGone();
      });
      process.on('message', (message: StarterMessage) => {
        if (message.kind === 'start') return resolve(message);
        this.#waiting.get(message.id)?.resolve(message.text ?? undefined);
        this.#waiting.delete(message.id);
      });
      void this.tell({ kind: 'hello' });
    });
  }

  /** Asks something; undefined if the starter has left. @throws {TunlError} interrupted, if it leaves meanwhile */
  ask(question: Question): Promise<string | undefined> | undefined {
    if (this.#hasLeft || !process.connected) return undefined;
    const id = ++this.#lastId;
    void this.tell({ ...question, id });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Tells it something, if it is still there. Resolves once that is sent. */
  tell(message: DetachedMessage): Promise<void> {
    if (this.#hasLeft || !process.connected || !process.send) return Promise.resolve();
    return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
  }

  /** Lets it go: everything listens. */
  async leave(): Promise<void> {
    const told = this.tell({ kind: 'ready' });
    this.#hasLeft = true;
    await told;
    if (process.connected) process.disconnect();
  }

  /** Nobody would learn whether it listens, so it does not go on. */
  #onGone(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    for (const { reject } of this.#waiting.values()) reject(interruptedBy('SIGHUP'));
    process.kill(process.pid, 'SIGTERM');
  }
}
