import { expect } from 'vitest';
import type { ServeOptions } from '../../../src/app/commands/options.ts';
import { startTestServe, type TestApp, type TestOptions } from './app.ts';
import { eventually } from '../eventually.ts';
import { connectPeer, connectTlsPeer, type RawPeer } from '../peers/raw-peer.ts';
import { echo, startTarget, type Target } from '../targets/plain.ts';

/** An answer of a proxy, read to the end of its connection. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A `serve` for HTTP/1.1 with another client's tunnel through it, which no request may harm. */
export interface ProxyBed {
  readonly serve: TestApp;
  /** A target that echoes. */
  readonly target: Target;
  /** `HOST:PORT` of the target. */
  readonly authority: string;
  connect(): Promise<RawPeer>;
  /** Sends the bytes on a new connection and reads the answer, which must end the connection. */
  ask(request: string | Buffer): Promise<Answer>;
  /** Asserts that the other tunnel still echoes, that nothing else was dialled, and that nothing is left open. */
  expectUnharmed(): Promise<void>;
}

/** The options of a bed: those of `serve`, and whether it uses TLS. */
export interface ProxyBedOptions extends TestOptions<Omit<ServeOptions, 'tls'>> {
  readonly security?: 'clear' | 'tls';
  /** The fields of the control tunnel's request. */
  readonly controlFields?: string;
}

/** Starts `serve` in this process, with a target and a control tunnel. */
export async function startProxyBed({
  security = 'clear',
  controlFields = '',
  ...options
}: ProxyBedOptions = {}): Promise<ProxyBed> {
  const serve = await startTestServe({ ...options, ...(security === 'tls' && { tls: {} }) });
  const target = await startTarget(echo);
  const authority = `127.0.0.1:${target.port}`;
  const connect = () => (security === 'tls' ? connectTlsPeer(serve.port) : connectPeer(serve.port));
  const control = await connect();
  control.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${controlFields}\r\n`);
  expect(await control.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  let words = 0;
  return {
    serve,
    target,
    authority,
    connect,
    async ask(request) {
      const client = await connect();
      client.send(request);
      const answer = parseAnswer((await client.readToEnd()).toString('latin1'));
      client.fin();
      return answer;
    },
    async expectUnharmed() {
      const word = `word ${++words}\n`;
      control.send(word);
      expect(await control.readUntil('\n')).toBe(word);
      await eventually(() => [serve.running.tunnels.size, target.accepted, target.open], [1, 1, 1]);
    },
  };
}

/** Parses an answer. Anything after the declared body is a failure. */
function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n') + 4;
  const [head, body] = [text.slice(0, end), text.slice(end)];
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
  expect(body, head).toHaveLength(length);
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), head, body };
}
