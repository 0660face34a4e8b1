import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, launch, run } from './process.ts';
import { makeFolder } from './workspace.ts';

/** A terminal as a person sees it: the screen after all escape sequences had their effect. */
export interface Screen {
  /** Types text, as it is. */
  type(text: string): Promise<void>;
  /** Presses keys by their names in tmux, such as `Tab`, `Enter` and `C-c`. */
  press(...keys: string[]): Promise<void>;
  /** The lines of the screen, without blanks at their ends. */
  read(): Promise<string>;
  /** The same lines with the escape sequences that give them their colours. */
  readColoured(): Promise<string>;
  /** Resolves with the first match on the screen. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit status of the program. */
  waitForEnd(): Promise<number>;
  /** Sends a signal to the program. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Changes the size of the terminal. */
  resize(columns: number, rows: number): Promise<void>;
  stop(): Promise<void>;
}

/** Runs a program and notes its process id and its status in a folder. Keys that signal are meant for the program alone. */
const noted = `
  trap : HUP INT QUIT TERM
  sh -c 'echo $$ >"$0/pid"; exec "$@"' "$0" "$@"
  echo $? >"$0/status"
`;

const waitLimitMs = 20_000;
const pollMs = 25;

/** The shell around the program ignores that its terminal is gone, and so the program may not hear of it. */
function endProgram(pid: string | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(Number(pid), 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Runs a program on a terminal of tmux, which stays readable once the program has ended. */
export async function openScreen(
  { file, args, env, cwd }: Command,
  size = { columns: 100, rows: 30 },
): Promise<Screen> {
  const folder = makeFolder('tmux');
  const socket = join(folder, 'socket');
  const readNote = (name: string) => {
    const path = join(folder, name);
    // A note is complete with its end of line.
    return existsSync(path) ? /^(.+)\n$/.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
  };
  // In the foreground, so that it ends with its process group. Without a configuration it would be the user's.
  const server = launch({ file: 'tmux', args: ['-D', '-f', '/dev/null', '-S', socket], ...(env && { env }) });
  // A new pane has the PATH of the client that asked for it.
  const ask = (words: readonly string[]) => run({ file: 'tmux', args: ['-S', socket, ...words], ...(env && { env }) });
  const tmux = async (...words: readonly string[]) => {
    const { code, stdout, stderr } = await ask(words);
    if (code !== 0) throw new Error(`tmux ${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  const read = async () => (await tmux('capture-pane', '-p')).replaceAll(/ +$/gm, '');
  const stop = async () => {
    await server.stop();
    endProgram(readNote('status') === undefined ? readNote('pid') : undefined);
  };
  try {
    await poll('answer of tmux', async () => (await ask(['show-options', '-s'])).code === 0 || undefined);
    const { columns, rows } = size;
    const where = cwd === undefined ? [] : ['-c', cwd];
    // Nothing of tmux itself is on the screen, not even its line about an end, for which it would scroll.
    for (const [option, value] of Object.entries({
      status: 'off',
      'remain-on-exit': 'on',
      'remain-on-exit-format': '',
    })) {
      await tmux('set-option', '-g', option, value);
    }
    await tmux(
      'new-session',
      '-d',
      '-x',
      `${columns}`,
      '-y',
      `${rows}`,
      ...where,
      '--',
      'sh',
      '-c',
      noted,
      folder,
      file,
      ...args,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    type: async (text) => void (await tmux('send-keys', '-l', '--', text)),
    press: async (...keys) => void (await tmux('send-keys', '--', ...keys)),
    read,
    readColoured: () => tmux('capture-pane', '-e', '-p'),
    waitFor: (pattern) => poll(String(pattern), async () => pattern.exec(await read()) ?? undefined, read),
    waitForEnd: async () => Number(await poll('end of the program', () => readNote('status'), read)),
    signal: async (signal) => {
      process.kill(Number(await poll('process id', () => readNote('pid'))), signal);
    },
    resize: async (columns, rows) => void (await tmux('resize-window', '-x', `${columns}`, '-y', `${rows}`)),
    stop,
  };
}

async function poll<T>(
  what: string,
  find: () => T | undefined | Promise<T | undefined>,
  describe: () => string | Promise<string> = () => '',
): Promise<T> {
  const startedAt = Date.now();
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() - startedAt > waitLimitMs) {
      throw new Error(`no ${what} within ${waitLimitMs} ms\n${await describe()}`);
    }
    await delay(pollMs);
  }
}
