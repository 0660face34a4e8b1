import { fileURLToPath } from 'node:url';
import type { Part } from './part.ts';
import { type Command, launch, type Result, run, type RunOptions } from './process.ts';

/** The built program. */
const program: string = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

/** Settings of one run of tunl. */
export interface TunlOptions extends RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** That of a copy of the program, or of the single executable. */
  readonly path?: string;
}

/** A tunl that listens. */
export interface TunlPart extends Part {
  readonly pid: number;
  /** The address that it printed after `serving` or `forwarding`. */
  readonly address: string;
  /** Resolves with the first match of the pattern in what it says. */
  waitForLine(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs tunl to its end. */
export function tunl(args: readonly string[], options: TunlOptions = {}): Promise<Result> {
  return run(makeTunlCommand(args, options.env, options.path), options);
}

/**
 * Starts a tunl that listens, and waits for the line that says so.
 * @param path that of a copy of the program, or of the single executable
 */
export async function startTunl(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  path?: string,
): Promise<TunlPart> {
  const running = launch(makeTunlCommand(args, env, path));
  const waitForLine = (pattern: RegExp) =>
    running.waitFor(String(pattern), () => pattern.exec(running.stderr()) ?? undefined);
  const stop = async () => void (await running.stop());
  try {
    const [, address = '', port] = await waitForLine(/^tunl: (?:serving|forwarding) (\S+:(\d+))\b/m);
    const name = `tunl ${args[0]}`;
    const pid = running.child.pid ?? 0;
    return { name, pid, port: Number(port), address, log: running.stderr, waitForLine, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts `tunl serve` on a free port of 127.0.0.1. */
export function startTunlServe(options: readonly string[] = [], env?: Record<string, string>): Promise<TunlPart> {
  return startTunl(['serve', ...options, '127.0.0.1:0'], env);
}

/** Writes the options that lead through these hops, in travel order. */
export function formatHops(hops: readonly string[]): string[] {
  return hops.length === 0 ? ['--direct'] : hops.flatMap((hop) => ['-x', hop]);
}

/** Writes a command line as ssh wants its ProxyCommand: for a shell, with `%h` and `%p` for ssh. */
export function formatProxyCommand(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
}

/** Writes the ProxyCommand of tunl, or of a copy of the program, through these hops. */
export function formatTunlProxyCommand(
  hops: readonly string[],
  env: Readonly<Record<string, string>> = {},
  path: string = program,
): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const words = ['env', ...variables, process.execPath, path, 'connect', ...formatHops(hops)];
  return formatProxyCommand([...words.map((word) => word.replaceAll('%', '%%')), '%h:%p']);
}

/** The command that runs tunl: by Node, or the single executable by itself. */
export function makeTunlCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  path: string = program,
): Command {
  return path.endsWith('.js') ? { file: process.execPath, args: [path, ...args], env } : { file: path, args, env };
}
