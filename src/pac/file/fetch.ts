import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { TcpAddress } from '../../core/address.ts';
import { type Limit, within } from '../../core/deadline.ts';
import type { Dial } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { version } from '../../core/program.ts';
import { type GetReply, type GetRequest, getWhole } from '../../http/h1/get.ts';
import { describeFileError } from '../../syntax/password-file.ts';
import { quote } from '../../syntax/text.ts';

/** The largest PAC file that is read, in bytes. */
const maxBytes = 1024 * 1024;

const limit: Limit = {
  ms: 30_000,
  phase: 'handshake',
  option: 'the limit for PAC files',
  code: 'http_response_timeout',
};

/** The facts by which a server can tell whether a copy is still the same (RFC 9110, section 8.8). */
export interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
}

/** A PAC file as it was read. */
export interface PacBytes extends Validators {
  readonly bytes: Buffer;
  /** The Content-Type that its server gave. */
  readonly contentType?: string;
}

/** The ways to a server of PAC files. */
export interface FetchEnv {
  /** Opens connections, never through a proxy. */
  readonly dial: Dial;
  /** Puts TLS on a connection to the server. */
  readonly secure: (link: Link, address: TcpAddress, signal: AbortSignal) => Promise<Link>;
}

/**
 * Reads a PAC file within 30 seconds: a local one, or one of a web server that answers with status 200.
 * @param known the validators of a copy that we have
 * @returns the file; `unchanged` if the copy is still the same
 * @throws {TunlError} with the reason why the file cannot be had
 */
export async function fetchPac(
  url: URL,
  known: Validators,
  env: FetchEnv,
  signal: AbortSignal,
): Promise<PacBytes | 'unchanged'> {
  if (url.protocol === 'file:') return readLocal(url);
  return within(limit, signal, `${url.host} did not send the PAC file`, (limited) => ask(url, known, env, limited));
}

async function readLocal(url: URL): Promise<PacBytes> {
  try {
    const path = fileURLToPath(url);
    if ((await stat(path)).size > maxBytes) throw failure('it is larger than 1 MiB');
    return { bytes: await readFile(path) };
  } catch (error) {
    throw error instanceof TunlError ? error : failure(describeFileError(error));
  }
}

async function ask(url: URL, known: Validators, env: FetchEnv, signal: AbortSignal): Promise<PacBytes | 'unchanged'> {
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const address: TcpAddress = { kind: 'tcp', host, port: Number(url.port) || (isSecure ? 443 : 80) };
  const bare = await env.dial(address, { signal, target: address, origin: { peer: {} } });
  const link = isSecure ? await env.secure(bare, address, signal) : bare;
  const request: GetRequest = {
    target: `${url.pathname}${url.search}`,
    authority: url.host,
    scheme: isSecure ? 'https' : 'http',
    headers: listFields(known),
    maxBytes,
  };
  return readReply(await getWhole(link, request, signal));
}

function listFields({ etag, lastModified }: Validators): HeaderField[] {
  return [
    ['user-agent', `tunl/${version}`],
    ['accept', 'application/x-ns-proxy-autoconfig, */*;q=0.5'],
    ...(etag === undefined ? [] : [['if-none-match', etag] as const]),
    ...(lastModified === undefined ? [] : [['if-modified-since', lastModified] as const]),
  ];
}

function readReply({ status, headers, body }: GetReply): PacBytes | 'unchanged' {
  const field = (name: string) => headers.find(([other]) => other === name)?.[1];
  if (status === 304) return 'unchanged';
  if (status !== 200) {
    const place = field('location');
    throw failure(`the server answered ${status}${place === undefined ? '' : `, and names ${quote(place)}`}`);
  }
  const [contentType, etag, lastModified] = [field('content-type'), field('etag'), field('last-modified')];
  return {
    bytes: body,
    ...(contentType !== undefined && { contentType }),
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
  };
}

function failure(message: string, cause?: unknown): TunlError {
  return new TunlError('destination_unavailable', message, { side: 'hop', phase: 'handshake', cause });
}
