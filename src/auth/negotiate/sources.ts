import { listen } from '../../listeners/socket.ts';
import { createCurlSource } from './curl.ts';
import { createKoffiSource } from './koffi.ts';
import { TokenError, type TokenSource } from './tokens.ts';

/** Hints for a system on which no token can be had. */
const installHints: readonly string[] = [
  'tokens come from the npm package koffi, if it is installed beside tunl, or from a curl with SPNEGO on the PATH',
];

/** Finds the source of tokens for this process. @throws {TokenError} if there is none, with the reasons */
export type FindSource = () => Promise<TokenSource>;

/** Makes a search that takes the first source that can be used. Its result is kept. */
export function firstSource(sources: readonly TokenSource[]): FindSource {
  let found: Promise<TokenSource> | undefined;
  return () => (found ??= search(sources));
}

async function search(sources: readonly TokenSource[]): Promise<TokenSource> {
  const reasons: string[] = [];
  for (const source of sources) {
    const reason = await source.whyNot();
    if (reason === undefined) return source;
    reasons.push(reason);
  }
  throw new TokenError(`this system has nothing that makes tokens: ${reasons.join(', ')}`, installHints);
}

/** The source for the whole process, so that all tunnels share its limits. */
export const findTokenSource: FindSource = firstSource([
  createKoffiSource(),
  createCurlSource({ listen, env: process.env }),
]);
