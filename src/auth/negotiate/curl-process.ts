import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { quoteString } from '../../syntax/text.ts';
import type { ServiceName } from './tokens.ts';

/** What a curl is to do. */
export interface CurlTask {
  readonly name: ServiceName;
  /** The port of 127.0.0.1 at which it finds its proxy. */
  readonly port: number;
  /** The host that it asks the proxy for. */
  readonly target: string;
  /** Path or name of curl. */
  readonly program: string;
  readonly env: Record<string, string | undefined>;
}

/** The lines in which curl says what went wrong: its own messages, and those of its libraries with `-v`. */
const saidLine = /^(?:\* |curl: )(.*)$/;

/** What the libraries for tokens complain about. */
const tokenComplaint = /gss|sspi|spnego|kerberos|InitializeSecurityContext|SEC_E_/i;

/** Lines that are kept of what curl says. */
const maxLines = 64;

/** A running curl that asks a proxy on this machine for a tunnel, and authenticates by Negotiate. */
export class CurlProcess {
  /** Resolves once it is gone and all that it said has been read. It may not have been found at all. */
  readonly ended: Promise<undefined>;
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  #status = '';

  constructor(task: CurlTask) {
    // Its arguments can be read by every user of this machine, so all that matters comes by stdin.
    this.#child = spawn(task.program, ['-q', '-K', '-'], {
      env: task.env,
      stdio: ['pipe', 'ignore', 'pipe'],
      windowsHide: true,
      // Ctrl-C must not reach it: a tunnel may still be opened while we drain.
      detached: true,
    });
    const { stdin, stderr } = this.#child;
    stdin?.on('error', () => {});
    stdin?.end(writeSettings(task));
    if (stderr) createInterface({ input: stderr }).on('line', (line) => this.#hear(line));
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#status = error.message;
        resolve(undefined);
      });
      this.#child.once('close', (code, signal) => {
        this.#status = signal === null ? `curl ended with status ${code}` : 'curl sent a request without credentials';
        resolve(undefined);
      });
    });
  }

  /** The reason why it has made no token, once it has ended. */
  get complaint(): string {
    const reason = this.#said.find((line) => tokenComplaint.test(line)) ?? this.#said.findLast(isFailure);
    return (reason ?? this.#status).replace(/^gss_init_sec_context\(\) failed: /, '').replace(/[\s.]+$/, '');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #hear(line: string): void {
    const [, words] = saidLine.exec(line) ?? [];
    if (words !== undefined && this.#said.length < maxLines) this.#said.push(words);
  }
}

function isFailure(line: string): boolean {
  return /^\(\d+\) /.test(line);
}

/**
 * Writes what curl reads from stdin. It connects to our port while it believes to talk to the proxy itself. An empty
 * user means the one who is logged on.
 */
function writeSettings({ name: { service, host }, port, target }: CurlTask): string {
  const settings: readonly (string | readonly [string, string])[] = [
    'silent',
    'show-error',
    'verbose',
    'proxytunnel',
    ['noproxy', ''],
    ['proxy', `http://${host}:${port}`],
    ['resolve', `${host}:${port}:127.0.0.1`],
    ['proxy-user', ':'],
    'proxy-negotiate',
    ['proxy-service-name', service],
    ['url', `http://${target}/`],
  ];
  return settings
    .map((setting) => (typeof setting === 'string' ? setting : `${setting[0]} = ${quoteString(setting[1])}`))
    .map((line) => `${line}\n`)
    .join('');
}
