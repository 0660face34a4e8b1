import { startTestServe, type TestApp, type TestOptions } from './app.ts';
import type { ServeOptions } from '../../../src/app/commands/options.ts';
import { connectPeer, type RawPeer } from '../peers/raw-peer.ts';
import { type Behaviour, startTarget, type Target } from '../targets/plain.ts';

/** A `serve` that forwards plain requests, and a target for them. */
export interface PlainBed {
  readonly serve: TestApp;
  readonly target: Target;
  /** `http://HOST:PORT` of the target. */
  readonly origin: string;
  connect(): Promise<RawPeer>;
}

/** Starts both. Without a behaviour, the test plays the target. */
export async function startPlainBed(options: TestOptions<ServeOptions> = {}, behave?: Behaviour): Promise<PlainBed> {
  const serve = await startTestServe({ accept: ['plain'], ...options });
  const target = await startTarget(behave);
  return { serve, target, origin: `http://127.0.0.1:${target.port}`, connect: () => connectPeer(serve.port) };
}

/** Writes a head; without a `Host` it has one that nobody should believe. */
export function writeHead(line: string, ...fields: string[]): string {
  const host = fields.some((field) => /^host:/i.test(field)) ? [] : ['Host: elsewhere.test'];
  return [`${line} HTTP/1.1`, ...host, ...fields, '', ''].join('\r\n');
}

/** The lines of a head, without the pseudonym in `Via` and the date, which differ each time. */
export function linesOf(head: string): string[] {
  return head
    .replaceAll(/tunl-[0-9a-f]{8}/g, 'US')
    .replaceAll(/^date: .*$/gim, 'date: NOW')
    .trimEnd()
    .split('\r\n');
}
