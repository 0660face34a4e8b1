import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { commandEnvironment } from '../../core/environment.ts';
import type { HopLogin, Step } from '../model/scheme.ts';

/** The place of a token. */
export type TokenSource = { readonly file: string } | { readonly command: string };

/** The most bytes of a token; tokens with many claims have a few kilobytes. */
const maxBytes = 32 * 1024;

/** The time that a command has, in milliseconds. */
const commandMs = 10_000;

/** RFC 6750, section 2.1. */
const tokenForm = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Reads the token anew for each request, because tokens are short-lived. */
export function openToken(source: TokenSource): HopLogin {
  return {
    begin({ signal }) {
      let isSent = false;
      const send = async (): Promise<Step> => {
        isSent = true;
        return toStep(source, await readToken(source, signal));
      };
      return {
        start: send,
        answer: ([challenge]) => {
          if (!isSent) return send();
          const params = challenge?.params;
          const said = params?.get('error_description') ?? params?.get('error');
          return Promise.resolve({
            kind: 'refused',
            reason: `it does not accept the token from ${describe(source)}`,
            ...(said !== undefined && { hints: [`it says of the token: ${said.slice(0, 200)}`] }),
          });
        },
      };
    },
  };
}

function describe(source: TokenSource): string {
  return 'file' in source ? JSON.stringify(source.file) : 'the command';
}

/** Never quotes the token, nor what a command says of it. */
function toStep(source: TokenSource, { text, failure }: Read): Step {
  const token = text?.split(/\r?\n/, 1)[0]?.trim() ?? '';
  if (failure !== undefined) return { kind: 'unable', reason: `${describe(source)} gave no token: ${failure}` };
  if (!tokenForm.test(token)) return { kind: 'unable', reason: `the first line of ${describe(source)} is no token` };
  return { kind: 'send', credentials: `Bearer ${token}` };
}

interface Read {
  readonly text?: string;
  readonly failure?: string;
}

async function readToken(source: TokenSource, signal: AbortSignal): Promise<Read> {
  if ('command' in source) return runCommand(source.command, signal);
  try {
    return { text: (await readFile(source.file, 'utf8')).slice(0, maxBytes) };
  } catch (error) {
    return { failure: (error as NodeJS.ErrnoException).code ?? 'it cannot be read' };
  }
}

function runCommand(command: string, signal: AbortSignal): Promise<Read> {
  return new Promise((resolve) => {
    // A group of its own, so that the commands of the shell end with it.
    const child = spawn(command, {
      shell: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
      env: commandEnvironment(process.env),
    });
    const end = (failure: string) => {
      endGroup(child);
      settle({ failure });
    };
    const onAbort = () => end('it was not waited for');
    const timer = setTimeout(() => end(`not within ${commandMs / 1000} s`), commandMs);
    const settle = (read: Read) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(read);
    };
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < maxBytes) text += chunk;
    });
    child.once('error', ({ message }) => settle({ failure: message }));
    child.once('close', (code) => settle(code === 0 ? { text } : { failure: `exit status ${code ?? 'unknown'}` }));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function endGroup({ pid, stdout }: ChildProcessByStdio<null, Readable, null>): void {
  stdout.destroy();
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
