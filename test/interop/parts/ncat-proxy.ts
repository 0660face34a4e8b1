import { type Login, type Part, startPart } from '../support/part.ts';

/** Starts ncat as an HTTP proxy. */
export function startNcatProxy(login?: Login): Promise<Part> {
  return startPart('ncat', (port) => ({
    file: 'ncat',
    args: ['-l', '127.0.0.1', String(port), '--proxy-type', 'http', ...formatLogin(login)],
  }));
}

function formatLogin(login: Login | undefined): string[] {
  return login ? ['--proxy-auth', `${login.user}:${login.password}`] : [];
}
