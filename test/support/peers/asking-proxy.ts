import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { startTarget, type Target } from '../targets/plain.ts';
import { checkAuthenticate, formatChallenge, type NtlmServerTerms } from './ntlm-server.ts';

/** The manner in which a proxy asks for credentials. */
export interface Manner {
  /** Challenges in their order, such as `NTLM`. */
  readonly challenges: readonly string[];
  /** All challenges in one field. */
  readonly oneField?: true;
  /** After which 407s the connection ends: all, with or without saying so, or those that answered no credentials. */
  readonly close?: 'announced' | 'silent' | 'first';
  readonly bodyBytes?: number;
  readonly chunked?: true;
  readonly http10?: true;
  /** Answers 200 already to the first message of NTLM. */
  readonly early?: true;
  /** Accepts nothing, and answers every message of NTLM with a challenge. */
  readonly endless?: true;
  /** The answer to whoever is authenticated, in place of a tunnel. */
  readonly status?: string;
  /** Fields of the 200. */
  readonly fields?: readonly string[];
  readonly account?: NtlmServerTerms;
  readonly token?: string;
}

/** A request that an asking proxy received. */
export interface AskedRequest {
  /** Number of its connection, from 1. */
  readonly connection: number;
  readonly head: string;
  /** The scheme of its credentials, or `none`. */
  readonly scheme: string;
}

/** An asking proxy, played by the test. */
export interface AskingProxy {
  readonly port: number;
  readonly requests: readonly AskedRequest[];
  /** The number of credentials that were checked and found wrong. */
  readonly refused: number;
}

export const alice = { user: 'alice', domain: 'CORP', password: 'wonder-4711' } as const;

/** Starts a proxy that asks in this manner, and opens tunnels to addresses of this machine. */
export async function startAskingProxy(manner: Manner): Promise<AskingProxy> {
  const asked = new Asked(manner);
  const target: Target = await startTarget((socket) => asked.serve(socket));
  return {
    port: target.port,
    requests: asked.requests,
    get refused() {
      return asked.refused;
    },
  };
}

/** The requests to one proxy. Its connections may be of any kind: `serve` takes a stream. */
export class Asked {
  readonly requests: AskedRequest[] = [];
  refused = 0;
  readonly #manner: Manner;
  #connections = 0;

  constructor(manner: Manner) {
    this.#manner = manner;
  }

  serve(stream: Duplex): void {
    new Connection(stream, this, this.#manner, ++this.#connections);
  }
}

/** A verdict about credentials: `yes`, `no`, or the challenge of the next round. */
type Judgement = 'yes' | 'no' | 'none' | { readonly challenge: string };

class Connection {
  readonly #stream: Duplex;
  readonly #asked: Asked;
  readonly #manner: Manner;
  readonly #number: number;
  #received = Buffer.alloc(0);
  #messages: Buffer[] = [];
  readonly #onData = (chunk: Buffer) => {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let end = this.#received.indexOf('\r\n\r\n'); end >= 0; end = this.#received.indexOf('\r\n\r\n')) {
      const head = this.#received.toString('latin1', 0, end + 2);
      this.#received = this.#received.subarray(end + 4);
      if (!this.#answer(head)) return;
    }
  };

  readonly #onEnd = () => void this.#stream.end();

  constructor(stream: Duplex, asked: Asked, manner: Manner, number: number) {
    this.#stream = stream;
    this.#asked = asked;
    this.#manner = manner;
    this.#number = number;
    stream
      .on('error', () => {})
      .on('data', this.#onData)
      .once('end', this.#onEnd);
  }

  /** Returns false once nothing more is read as a request. */
  #answer(head: string): boolean {
    const [, credentials = ''] = /^proxy-authorization: *(.*?)\r$/im.exec(head) ?? [];
    const scheme = credentials.split(' ')[0] || 'none';
    this.#asked.requests.push({ connection: this.#number, head, scheme });
    const judgement = this.#judge(scheme.toLowerCase(), credentials.slice(scheme.length + 1));
    if (judgement === 'yes') {
      this.#accept(head);
      return false;
    }
    if (judgement === 'no') this.#asked.refused++;
    return this.#ask(judgement, scheme === 'none');
  }

  #judge(scheme: string, rest: string): Judgement {
    const { account = alice, early, endless, token, challenges } = this.#manner;
    if (scheme === 'none' || !challenges.some((text) => text.toLowerCase().startsWith(scheme))) return 'none';
    if (scheme === 'basic') {
      const [user, password] = Buffer.from(rest, 'base64').toString('utf8').split(/:(.*)/s);
      return !endless && user?.endsWith(account.user) && password === account.password ? 'yes' : 'no';
    }
    if (scheme === 'bearer') return rest === token ? 'yes' : 'no';
    const message = Buffer.from(rest, 'base64');
    this.#messages.push(message);
    if (message.readUInt32LE(8) === 1) this.#messages = [message];
    if (message.readUInt32LE(8) === 1 && early) return 'yes';
    if (this.#messages.length === 1 || endless) {
      const challenge = formatChallenge();
      this.#messages.push(challenge);
      return { challenge: `NTLM ${challenge.toString('base64')}` };
    }
    const [negotiate, challenge, authenticate] = this.#messages;
    if (!negotiate || !challenge || !authenticate) return 'no';
    return checkAuthenticate([negotiate, challenge, authenticate], account) === undefined ? 'yes' : 'no';
  }

  #ask(judgement: Judgement, isFirst: boolean): boolean {
    const { challenges, oneField, close, bodyBytes = 0, chunked, http10 } = this.#manner;
    const all = typeof judgement === 'object' ? [judgement.challenge] : challenges;
    const closes = close === 'announced' || close === 'silent' || (close === 'first' && isFirst);
    const body = 'x'.repeat(bodyBytes);
    const lines = [
      `HTTP/1.${http10 ? 0 : 1} 407 Proxy Authentication Required`,
      ...(oneField ? [all.join(', ')] : all).map((value) => `Proxy-Authenticate: ${value}`),
      ...(closes && close !== 'silent' ? ['Connection: close'] : []),
      chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyBytes}`,
      '',
      chunked ? `${bodyBytes.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body,
    ];
    this.#stream.write(lines.join('\r\n'));
    if (!closes && !http10) return true;
    // Later bytes are not read as a request.
    this.#stream.off('data', this.#onData).resume().end();
    return false;
  }

  #accept(head: string): void {
    const { status, fields = [] } = this.#manner;
    this.#stream.off('data', this.#onData).off('end', this.#onEnd);
    if (status !== undefined) {
      this.#stream.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const [, host = '', port = ''] = /^CONNECT ([^ ]*):(\d+) /.exec(head) ?? [];
    const target: Socket = connect({ host, port: Number(port), allowHalfOpen: true });
    target.on('error', () => this.#stream.destroy());
    this.#stream.once('close', () => target.destroy());
    target.once('connect', () => {
      this.#stream.write(['HTTP/1.1 200 OK', ...fields, '', ''].join('\r\n'));
      if (this.#received.length > 0) target.write(this.#received);
      this.#stream.pipe(target).pipe(this.#stream);
    });
  }
}
