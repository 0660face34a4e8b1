import { type Login, type Part, startPart } from '../support/part.ts';

/** Starts microsocks, which speaks SOCKS5 alone. */
export function startMicrosocks(login?: Login): Promise<Part> {
  const user = login ? ['-u', login.user, '-P', login.password] : [];
  return startPart('microsocks', (port) => ({
    file: 'microsocks',
    args: ['-i', '127.0.0.1', '-p', String(port), ...user],
  }));
}
