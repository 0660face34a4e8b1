import { execFile } from 'node:child_process';
import { win32 } from 'node:path';
import { abortReason, throwIfAborted } from '../../core/deadline.ts';
import { CurlProcess } from './curl-process.ts';
import { hintsFor } from './hints.ts';
import { type Listen, PlayedProxy } from './played-proxy.ts';
import { readToken } from './spnego.ts';
import { TokenError, type TokenContext, type TokenOrder, type TokenSource } from './tokens.ts';
import { Slots } from '../../core/waiting.ts';

/** The most programs that run at a time; further exchanges wait for their turn. */
const mostAtOnce = 8;

/** Time for curl to say what it can do, in milliseconds. */
const versionMs = 5000;

/** What curl needs besides its own files. */
export interface CurlOptions {
  readonly listen: Listen;
  /** The environment that curl is found with, and a part of which it gets. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
}

/**
 * Makes a source of tokens that lets the system's curl make them, which knows Kerberos and the store of tickets on
 * each system. We play the proxy for it, under the name of the real one: the token in its request is for that proxy.
 * Nothing that curl does leaves this machine but what its library asks the Kerberos server. Its tokens have no channel
 * binding, since it sees no TLS, and it takes no proof of a proxy that has accepted.
 */
export function createCurlSource({ listen, env, platform = process.platform }: CurlOptions): TokenSource {
  const slots = new Slots(mostAtOnce);
  const own = curlEnvironment(env);
  const program = findCurl(platform, env);
  let asked: Promise<string | undefined> | undefined;
  return {
    name: 'curl',
    bindsChannels: false,
    whyNot: () => (asked ??= askVersion(program, own)),
    open: async (order) => {
      const endTurn = await slots.take(order.signal);
      return new CurlContext(order, { listen, program, env: own, endTurn });
    },
  };
}

/** Names curl. Windows would look into the current folder first, which may be anybody's, and has its own in a fixed place. */
export function findCurl(platform: NodeJS.Platform, env: CurlOptions['env']): string {
  return platform === 'win32'
    ? win32.join(env['SystemRoot'] ?? String.raw`C:\Windows`, 'System32', 'curl.exe')
    : 'curl';
}

/** The variables that curl and a Kerberos library need, and none that could hold a secret of ours. */
function curlEnvironment(env: CurlOptions['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(?:PATH|HOME|LANG|KRB5\w*)$/i.test(name)));
}

/** Asks curl whether it knows SPNEGO. Returns why it cannot be used, if so. */
function askVersion(program: string, env: Record<string, string | undefined>): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, ['-q', '-V'], { env, timeout: versionMs, windowsHide: true }, (error, stdout) => {
      if (error) resolve(error.code === 'ENOENT' ? 'curl is not installed' : `curl does not run: ${firstLine(error)}`);
      else resolve(/^Features:.*\bSPNEGO\b/im.test(stdout) ? undefined : 'curl is built without SPNEGO');
    });
  });
}

function firstLine({ message }: Error): string {
  return message.split('\n', 1)[0] ?? '';
}

interface CurlParts {
  readonly listen: Listen;
  readonly program: string;
  readonly env: Record<string, string | undefined>;
  readonly endTurn: () => void;
}

/** One curl, which makes the tokens of one exchange. */
class CurlContext implements TokenContext {
  readonly #order: TokenOrder;
  readonly #parts: CurlParts;
  readonly #proxy = new PlayedProxy();
  #curl: CurlProcess | undefined;
  #isClosed = false;

  constructor(order: TokenOrder, parts: CurlParts) {
    this.#order = order;
    this.#parts = parts;
  }

  async step(challenge?: Buffer): Promise<Buffer> {
    const { signal } = this.#order;
    throwIfAborted(signal);
    if (this.#isClosed) throw new TokenError('curl makes no second token for Kerberos');
    const onAbort = () => this.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (!this.#curl) await this.#start();
      else this.#proxy.challenge(`Negotiate ${challenge?.toString('base64') ?? ''}`);
      return await this.#readToken();
    } catch (error) {
      this.close();
      throw signal.aborted ? abortReason(signal) : error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  finish(): Promise<'unchecked'> {
    return Promise.resolve('unchecked');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#proxy.close();
    this.#curl?.kill();
    // The next one starts once this one is gone.
    if (this.#curl) void this.#curl.ended.then(this.#parts.endTurn);
    else this.#parts.endTurn();
  }

  async #start(): Promise<void> {
    const { listen, program, env } = this.#parts;
    const port = await this.#proxy.open(listen);
    throwIfAborted(this.#order.signal);
    if (this.#isClosed) throw new TokenError('the exchange is over');
    this.#curl = new CurlProcess({ name: this.#order.name, port, target: this.#proxy.target, program, env });
  }

  async #readToken(): Promise<Buffer> {
    const curl = this.#curl as CurlProcess;
    const credentials = await Promise.race([this.#proxy.request(), curl.ended]);
    const [, token] = /^Negotiate ([A-Za-z0-9+/]+=*)$/i.exec(credentials ?? '') ?? [];
    if (token !== undefined) return this.#take(Buffer.from(token, 'base64'));
    this.close();
    await curl.ended;
    throw new TokenError(curl.complaint, hintsFor(curl.complaint, this.#order.name));
  }

  /** Nothing follows the token of Kerberos, so others need not wait until the proxy has answered. */
  #take(token: Buffer): Buffer {
    if (readToken(token).isKerberosOnly) this.close();
    return token;
  }
}
