import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { closeSync, fstatSync } from 'node:fs';
import process from 'node:process';
import { findInstance, nameTaken, prepareInstanceLog } from '../../app/commands/instances.ts';
import { TunlError, usageError } from '../../core/errors.ts';
import { single } from '../../core/program.ts';
import type { Detachment } from './detachment.ts';
import type { CommandContext } from '../parse/command.ts';
import { createAsk } from '../process/ask.ts';
import { runPasswordCommand } from '../process/run-secret.ts';
import { splitEnvironment } from '../process/secret-env.ts';
import { detachedWord, type DetachedMessage, type StarterMessage } from '../process/starter.ts';

/** The most names that are tried if none is given. */
const maxNames = 1000;

/**
 * Runs a command line in a process of its own, which no terminal can end, and resolves once everything listens there, or
 * once it has failed: with its exit status. Questions are asked here, and what it says is shown here until then.
 * @param words the command line
 * @param fallback the beginning of a name, if none is given
 * @throws {TunlError} usage, if the name is taken or a question has no answer; interrupted, if a signal comes instead
 */
export async function detach(
  words: readonly string[],
  { name: given }: Detachment,
  fallback: string,
  context: CommandContext,
): Promise<number> {
  const { io, ui } = context;
  for (let number = 1; number <= maxNames; number++) {
    const name = given ?? (number === 1 ? fallback : `${fallback}-${number}`);
    const other = await findInstance(name, io.env);
    if (other && given === undefined) continue;
    if (other) throw nameTaken(other);
    const end = await new Start(words, name, context).run();
    if (end.kind === 'end') return end.status;
    if (end.kind === 'ready') {
      ui.say('normal', `runs in the background as ${name} (pid ${end.pid})`);
      ui.record('normal', 'detached', { name, pid: end.pid });
      return 0;
    }
    // Another process may have taken the name in between.
    const isTaken = (await findInstance(name, io.env)) !== undefined;
    if (given !== undefined || !isTaken) throw usageError(end.message, ...end.hints);
  }
  throw usageError(`${maxNames} names of ${fallback} are taken`, 'give one with --name');
}

/** The end of a start. */
type StartEnd =
  | Extract<DetachedMessage, { kind: 'refused' | 'end' }>
  | { readonly kind: 'ready'; readonly pid: number };

/** One start of a process in the background. */
class Start {
  readonly #words: readonly string[];
  readonly #name: string;
  readonly #context: CommandContext;

  constructor(words: readonly string[], name: string, context: CommandContext) {
    this.#words = words;
    this.#name = name;
    this.#context = context;
  }

  async run(): Promise<StartEnd> {
    const log = await prepareInstanceLog(this.#name, this.#context.io.env);
    let child: ChildProcess;
    try {
      child = this.#spawn(log);
    } finally {
      closeSync(log);
    }
    try {
      return await this.#follow(child);
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  /** Starts the process in a session of its own; what Node itself says when it dies goes to the log. */
  #spawn(log: number): ChildProcess {
    const { open } = splitEnvironment(this.#context.io.env);
    const passed = findDescriptors(this.#words);
    const stdio: (number | 'ignore' | 'ipc')[] = ['ignore', 'ignore', log];
    for (let fd = 3; fd <= Math.max(2, ...passed); fd++) stdio.push(passed.has(fd) ? fd : 'ignore');
    const free = stdio.findIndex((entry, fd) => fd > 2 && entry === 'ignore');
    stdio[free < 0 ? stdio.length : free] = 'ipc';
    return spawn(process.execPath, [...ownWords(), detachedWord], {
      detached: true,
      env: open,
      stdio: stdio as StdioOptions,
    });
  }

  #follow(child: ChildProcess): Promise<StartEnd> {
    return new Promise((resolve, reject) => {
      const answer = (id: number, work: Promise<string | undefined>) =>
        void work.then((text) => send(child, { kind: 'answer', id, text: text ?? null }), reject);
      child.on('message', (message: DetachedMessage) => {
        switch (message.kind) {
          case 'hello':
            return send(child, this.#firstMessage());
          case 'ask':
            return answer(message.id, this.#ask(message.question));
          case 'run':
            return answer(message.id, runPasswordCommand(message.command, this.#askOptions(), message.limitMs));
          case 'say':
            return this.#context.ui.pass(message.lines);
          case 'ready':
            child.unref();
            return resolve({ kind: 'ready', pid: child.pid ?? 0 });
          case 'refused':
          case 'end':
            return resolve(message);
        }
      });
      child.once('error', (error) => reject(startError(error)));
      const exited = new Promise<string>((end) =>
        child.once('exit', (code, signal) => end(signal ?? `status ${code}`)),
      );
      // What was sent before has arrived by then.
      child.once('disconnect', () => void exited.then((how) => reject(this.#diedError(how))));
    });
  }

  #firstMessage(): StarterMessage {
    const { secret: env } = splitEnvironment(this.#context.io.env);
    return { kind: 'start', words: this.#words, name: this.#name, env };
  }

  #ask(question: string): Promise<string | undefined> {
    return createAsk(this.#askOptions())(question);
  }

  #askOptions() {
    const { io, ui } = this.#context;
    return { env: io.env, askpassStderr: ui.output.form === 'json' ? 'ignore' : 'inherit' } as const;
  }

  #diedError(how: string): TunlError {
    return new TunlError('internal', `the process in the background ended before it listened: ${how}`, {
      hints: [`tunl logs ${this.#name} shows what it said`],
    });
  }
}

function send(child: ChildProcess, message: StarterMessage): void {
  // A process that has ended reads nothing, and its end is reported.
  if (child.connected) child.send(message, () => {});
}

/** The words that start this very program again: none in a single executable, which contains its script. */
function ownWords(): string[] {
  return single ? [] : [...process.execArgv, process.argv[1] ?? ''];
}

/** Finds the inherited descriptors that a command line names: `fd:3`, `/dev/fd/63` of a shell, and `--ready-fd 4`. */
function findDescriptors(words: readonly string[]): ReadonlySet<number> {
  const named = words.flatMap((word, index) => {
    const ready = words[index - 1] === '--ready-fd' ? [word] : [];
    const inside = [...word.matchAll(/\bfd:(\d+)|\/fd\/(\d+)|^--ready-fd=(\d+)/g)];
    return [...ready, ...inside.map(([, one, two, three]) => one ?? two ?? three)].map(Number);
  });
  return new Set(named.filter((fd) => fd > 2 && fd < maxDescriptor && isOpen(fd)));
}

/** No shell uses larger ones. */
const maxDescriptor = 1024;

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

function startError(error: Error): TunlError {
  return new TunlError('internal', `cannot start a process in the background: ${error.message}`, { cause: error });
}
