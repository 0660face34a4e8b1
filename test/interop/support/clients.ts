import type { Login } from './part.ts';

/** The task of a client program: a proxy, a target, and perhaps a login. */
export interface ProxyCall {
  /** `127.0.0.1:PORT`. */
  readonly proxy: string;
  readonly proxyPort: number;
  /** The target, or ssh's tokens for it. */
  readonly host: string;
  readonly port: string;
  readonly login?: LoginFile;
}

/** A user of the proxy, also in a file. */
export interface LoginFile extends Login {
  /** A file that holds `user:password`. */
  readonly file: string;
}

/** A program that joins its own streams to a target through an HTTP proxy. */
export interface ProxyClient {
  readonly name: string;
  /** Whether it can be given a password without a terminal. */
  readonly takesLogin: boolean;
  write(call: ProxyCall): readonly [string, ...string[]];
  /** Added to its environment for a login. */
  writeEnv?(login: LoginFile): Readonly<Record<string, string>>;
}

/** Every such program that must be able to use `tunl serve`: a new one is one row. */
export const proxyClients: readonly ProxyClient[] = [
  {
    // HTTP/1.0 without Host.
    name: 'corkscrew',
    takesLogin: true,
    write: ({ proxyPort, host, port, login }) => [
      'corkscrew',
      '127.0.0.1',
      `${proxyPort}`,
      host,
      port,
      ...(login ? [login.file] : []),
    ],
  },
  {
    // Sends the proxy's own name as Host.
    name: 'proxytunnel',
    takesLogin: true,
    write: ({ proxy, host, port, login }) => [
      'proxytunnel',
      '-q',
      '-p',
      proxy,
      '-d',
      `${host}:${port}`,
      ...(login ? ['-P', `${login.user}:${login.password}`] : []),
    ],
  },
  {
    name: 'connect-proxy',
    takesLogin: true,
    write: ({ proxy, host, port, login }) => [
      'connect-proxy',
      '-H',
      login ? `${login.user}@${proxy}` : proxy,
      host,
      port,
    ],
    writeEnv: ({ password }) => ({ HTTP_PROXY_PASSWORD: password }),
  },
  {
    name: 'nc',
    takesLogin: false,
    write: ({ proxy, host, port }) => ['nc', '-X', 'connect', '-x', proxy, host, port],
  },
  {
    name: 'ncat',
    takesLogin: true,
    write: ({ proxy, host, port, login }) => [
      'ncat',
      '--proxy',
      proxy,
      '--proxy-type',
      'http',
      ...(login ? ['--proxy-auth', `${login.user}:${login.password}`] : []),
      host,
      port,
    ],
  },
  {
    name: 'socat',
    takesLogin: true,
    write: ({ host, port, proxyPort, login }) => [
      'socat',
      '-',
      `PROXY:127.0.0.1:${host}:${port},proxyport=${proxyPort}${login ? `,proxyauth=${login.user}:${login.password}` : ''}`,
    ],
  },
];
