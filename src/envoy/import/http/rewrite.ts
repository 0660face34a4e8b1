import type { Path } from '../../../chain/read/document.ts';
import type { AnswerAction, Redirect, RequestMatch, Rewrite, Upstream } from '../../../chain/model/graph.ts';
import { assertRedirect, assertRewrite } from '../../../chain/model/rewrite.ts';
import { type ClusterMessage, listEndpoints } from '../../schema/cluster.ts';
import type { RedirectMessage, RouteActionMessage } from '../../schema/http/route.ts';
import { readPattern } from './match.ts';
import { assertAtMostOne } from '../one-of.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';

/** The upstream of a route, with the cluster that it was made from. */
export interface RouteUpstream {
  readonly upstream: Upstream;
  readonly words: ClusterMessage;
}

/** Reads what the action of a route changes in its requests. */
export function readRewrite(
  words: RouteActionMessage,
  path: Path,
  to: RouteUpstream,
  reading: BootstrapDiagnostics,
): Rewrite {
  assertAtMostOne(path, words, ['host_rewrite_literal', 'host_rewrite_header', 'auto_host_rewrite'], reading);
  assertAtMostOne(path, words, ['prefix_rewrite', 'regex_rewrite'], reading);
  const host = readNewHost(words, path, reading);
  const isAuto = words.auto_host_rewrite === true && Object.keys(host).length === 0;
  return {
    ...(isAuto ? readAuto([...path, 'auto_host_rewrite'], to, reading) : host),
    ...readPath(words, path, reading),
  };
}

/** The fields with which routes and filters give requests another host; an empty text gives none. */
type NewHostMessage = Pick<RouteActionMessage, 'host_rewrite_literal' | 'host_rewrite_header'>;

/** Reads the new host of requests, or the field that has it. */
export function readNewHost(
  { host_rewrite_literal: host = '', host_rewrite_header: field = '' }: NewHostMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Rewrite {
  if (host === '') return field === '' ? {} : { hostField: field.toLowerCase() };
  reading.attempts.run([...path, 'host_rewrite_literal'], () => assertRewrite({ host }));
  return { host };
}

/** Finds the host of endpoints: their hostnames in the file, or their names. */
function readAuto(path: Path, { upstream, words }: RouteUpstream, reading: BootstrapDiagnostics): Rewrite {
  if ('field' in upstream.to) {
    reading.add(
      path,
      `${words.name} has no endpoints with names: requests say where they go`,
      'write host_rewrite_literal',
    );
    return {};
  }
  const [first = '', ...others] = listEndpoints(words).map(({ hostname = '' }) => hostname);
  if (others.some((other) => other !== first)) {
    reading.add(
      path,
      `the endpoints of ${words.name} have different hostnames, and tunl sends one`,
      'write host_rewrite_literal',
    );
  }
  return first === '' ? { hostOfTarget: true } : { host: first };
}

function readPath(
  { prefix_rewrite: prefix = '', regex_rewrite: regex }: RouteActionMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Rewrite {
  if (!regex) {
    reading.attempts.run([...path, 'prefix_rewrite'], () => assertRewrite({ prefix }));
    return prefix === '' ? {} : { prefix };
  }
  const at = [...path, 'regex_rewrite'];
  const { pattern, substitution = '' } = regex;
  const rewrite: Rewrite = { pattern: { regex: pattern.regex, substitution } };
  const known = readPattern(pattern.regex, [...at, 'pattern', 'regex'], reading);
  if (known) reading.attempts.run([...at, 'substitution'], () => assertRewrite(rewrite));
  return rewrite;
}

const statuses = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const;

/** Reads the redirect of a route. */
export function readRedirect(
  words: RedirectMessage,
  match: RequestMatch,
  path: Path,
  reading: BootstrapDiagnostics,
): AnswerAction {
  assertAtMostOne(path, words, ['https_redirect', 'scheme_redirect'], reading);
  assertAtMostOne(path, words, ['path_redirect', 'prefix_rewrite'], reading);
  if (match.path.kind === 'connect') {
    reading.add(path, 'a CONNECT has no address to change', 'write direct_response');
  }
  const { https_redirect: https = false, scheme_redirect: scheme = https ? 'https' : '', strip_query: drops } = words;
  const { host_redirect: host = '', port_redirect: port = 0, path_redirect: to = '', prefix_rewrite: prefix } = words;
  const redirect: Redirect = {
    ...(scheme !== '' && { scheme }),
    ...(host !== '' && { host }),
    ...(port !== 0 && { port }),
    ...(to !== '' && { path: to }),
    ...(prefix !== undefined && prefix !== '' && { prefix }),
    ...(drops && { dropsQuery: true as const }),
  };
  reading.attempts.run(path, () => assertRedirect(redirect));
  return { kind: 'answer', status: statuses[words.response_code ?? 'MOVED_PERMANENTLY'], redirect };
}
