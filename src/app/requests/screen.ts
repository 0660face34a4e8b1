import { X509Certificate } from 'node:crypto';
import type { HttpRoute, HttpStage } from '../../chain/model/graph.ts';
import type { Screen, ScreenPolicy, ScreenRule } from '../../chain/model/screen.ts';
import { TunlError } from '../../core/errors.ts';
import { isInRange, parseRange, toBytes } from '../../core/ip.ts';
import type { Peer } from '../../core/link.ts';
import { hasField, isLike, type Routed } from '../../router/match.ts';
import type { ScreenCounts } from '../admin/traffic.ts';
import { parseAltNames } from '../../tls/certificate/names.ts';

/** Lets a connection, or a request on it, pass. @throws {TunlError} http_request_denied */
export type PassScreens = (peer: Peer, request?: Routed) => void;

type Meets = (facts: Facts) => boolean;

interface Facts {
  readonly peer: Peer;
  /** Absent for a connection alone. */
  readonly request?: Routed | undefined;
}

/**
 * Makes the check of connections and requests by screens, all of which they must pass.
 * @param counts what each screen decides is added here, up to the first that denies
 */
export function createPassScreens(screens: readonly Screen[], counts?: ScreenCounts): PassScreens {
  const passes = screens.map(({ action, policies }) => {
    const fits = policies.map(compilePolicy);
    return (facts: Facts) => {
      const isAllowed = fits.some((each) => each(facts)) === (action === 'allow');
      if (counts) counts[isAllowed ? 'allowed' : 'denied']++;
      return isAllowed;
    };
  });
  return (peer, request) => {
    const facts = { peer, request };
    if (passes.every((pass) => pass(facts))) return;
    // Envoy answers with this text.
    throw new TunlError('http_request_denied', 'a screen lets neither this client nor its request pass', {
      side: 'client',
      phase: 'policy',
      told: 'RBAC: access denied',
    });
  };
}

/** Lets a request pass: by the screens of its route, or by those of its stage. @throws {TunlError} http_request_denied */
export type Screening = (peer: Peer, request: Routed, route?: HttpRoute) => void;

/** Makes the check of requests of a stage. */
export function createScreening(
  { screens = [], hosts }: Pick<HttpStage, 'screens' | 'hosts'>,
  counts: ScreenCounts | undefined,
): Screening {
  const usual = createPassScreens(screens, counts);
  const own = new Map(
    hosts.flatMap(({ routes }) =>
      routes.flatMap((route) => (route.screens ? [[route, createPassScreens(route.screens, counts)] as const] : [])),
    ),
  );
  return (peer, request, route) => ((route && own.get(route)) ?? usual)(peer, request);
}

function compilePolicy({ what, who }: ScreenPolicy): Meets {
  const [asked, asking] = [what.map(compile), who.map(compile)];
  return (facts) => asked.some((meets) => meets(facts)) && asking.some((meets) => meets(facts));
}

function compile(rule: ScreenRule): Meets {
  switch (rule.kind) {
    case 'any':
      return () => true;
    case 'all':
    case 'some': {
      const inner = rule.rules.map(compile);
      return rule.kind === 'all'
        ? (facts) => inner.every((meets) => meets(facts))
        : (facts) => inner.some((meets) => meets(facts));
    }
    case 'not': {
      const meets = compile(rule.rule);
      return (facts) => !meets(facts);
    }
    case 'field':
      return ({ request }) => request !== undefined && hasField(rule.field, request);
    case 'path':
      return ({ request }) => {
        if (!request || request.method === 'CONNECT') return false;
        const [path = ''] = request.target.split(/[?#]/, 1);
        return isLike(path, rule.text);
      };
    case 'port':
      return ({ peer: { reached } }) =>
        reached?.kind === 'tcp' && rule.first <= reached.port && reached.port <= rule.last;
    case 'reached':
    case 'client':
      return compileRange(rule);
    case 'server-name':
      return ({ peer: { tls } }) => isLike(tls?.serverName ?? '', rule.text);
    case 'identity': {
      const { text } = rule;
      return ({ peer: { tls } }) =>
        tls !== undefined && (!text || listNames(tls.certificate).some((name) => isLike(name, text)));
    }
  }
}

function compileRange({ kind, range: text }: Extract<ScreenRule, { readonly kind: 'reached' | 'client' }>): Meets {
  const range = parseRange(text);
  if (!range) throw new TunlError('internal', `${text} is not a range of addresses`);
  return ({ peer }) => {
    const address = kind === 'client' ? peer.address : peer.reached;
    const bytes = address?.kind === 'tcp' ? toBytes(address.host) : undefined;
    return bytes !== undefined && isInRange(bytes, range);
  };
}

/** What the certificates of open connections call their owners: a connection may have many requests. */
const known = new WeakMap<Uint8Array, readonly string[]>();

/** Lists what a certificate calls its owner: URIs, hosts, and its subject, which is empty without a certificate. */
function listNames(der: Uint8Array | undefined): readonly string[] {
  if (!der) return [''];
  const names = known.get(der) ?? readNames(der);
  known.set(der, names);
  return names;
}

function readNames(der: Uint8Array): readonly string[] {
  const { subject, subjectAltName } = new X509Certificate(der);
  const others = parseAltNames(subjectAltName).flatMap(({ type, value }) =>
    type === 'URI' || type === 'DNS' ? [value] : [],
  );
  return [...others, formatSubject(subject ?? '')];
}

/** Writes a subject as RFC 4514 does, last part first. Node writes one part a line, with the same escapes but for bytes. */
function formatSubject(subject: string): string {
  const parts = subject.split('\n').toReversed();
  const text = parts.map((part) => part.split(' + ').toReversed().join('+')).join(',');
  return text.replaceAll(/[^\x00-\x7f]+/g, (letters) =>
    [...Buffer.from(letters)].map((byte) => `\\${byte.toString(16).toUpperCase()}`).join(''),
  );
}
