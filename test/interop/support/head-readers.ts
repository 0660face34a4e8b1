import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { h1 } from '../../../src/carriers/h1.ts';
import { linkPair } from '../../../src/core/link.ts';
import type { Reader } from '../../support/peers/odd-heads.ts';
import { makeHop } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { type Command, run } from './process.ts';

/** The verdict of a reader on a head: the first bytes of the tunnel that it opened, or undefined if it opened none. */
export type Verdict = string | undefined;

/** The bytes behind each head. */
export const firstBytes = 'SSH-2.0-behind\r\n';

const asked = 'name.test';

/** A proxy that answers every CONNECT with a head of the test's, the first bytes, and an end. */
export class HeadProxy {
  readonly #server: Server;
  #heads = new Map<string, string>();

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      let request = '';
      socket.on('error', () => {}).once('end', () => socket.end());
      socket.on('data', (chunk) => {
        if (request.includes('\r\n\r\n')) return;
        request += chunk.toString('latin1');
        const [, key = ''] = /^CONNECT (\w+)\..*\r\n\r\n/s.exec(request) ?? [];
        const head = this.#heads.get(key);
        if (head !== undefined) socket.end(head + firstBytes, 'latin1');
      });
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Lets a real program read a head; `status` is how it ended. */
  async ask(reader: Reader, head: string): Promise<{ readonly verdict: Verdict; readonly status: number | null }> {
    const key = `h${this.#heads.size}`;
    this.#heads.set(key, head);
    const { port } = this.#server.address() as AddressInfo;
    const command = commands[reader](`127.0.0.1:${port}`, `${key}.${asked}`);
    const { stdout, code } = await run(command, { input: '', limitMs: 10_000 });
    return { verdict: stdout === '' ? undefined : stdout, status: code };
  }
}

/** The commands with which each program opens a tunnel and prints the bytes that come out of it. */
const commands: Record<Reader, (proxy: string, host: string) => Command> = {
  // The bytes of the tunnel are not HTTP; with --http0.9 curl takes them for a body.
  curl: (proxy, host) => {
    const args = ['-q', '-s', '-m', '10', '--http0.9', '-p', '-x', proxy, `http://${host}/`];
    return { file: 'curl', args };
  },
  ncat: (proxy, host) => ({ file: 'ncat', args: ['--proxy', proxy, '--proxy-type', 'http', host, '80'] }),
  nc: (proxy, host) => ({ file: 'nc.openbsd', args: ['-X', 'connect', '-x', proxy, host, '80'] }),
};

/** Returns our own verdict on the same head. */
export async function readOurselves(head: string): Promise<Verdict> {
  const target = { kind: 'tcp', host: asked, port: 80 } as const;
  const [near, far] = linkPair();
  const context = makeContext(target);
  const session = await h1.open(async () => near, makeHop('http', 8080), context);
  const opening = session.tunnel(target, context);
  const proxy = new RawPeer(far);
  proxy.send(head + firstBytes);
  proxy.fin();
  try {
    const link = await opening;
    const bytes = await new RawPeer(link).readToEnd();
    link.reset(new Error('the test is over'));
    // As the output of programs is read.
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof Error && error.name === 'TunlError') return undefined;
    throw error;
  }
}
