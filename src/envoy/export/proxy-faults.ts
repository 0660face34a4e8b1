import { asksUsers, type HttpStage, type ProxyStage, type TargetChoice } from '../../chain/model/graph.ts';
import { formatAddress } from '../../core/address.ts';
import { formatHop } from '../../core/hop.ts';
import { plainSwitch } from '../../syntax/stage-settings.ts';
import { findTerms } from '../schema/hop-terms.ts';
import { isName } from './cluster.ts';

/** A feature that Envoy does not support, and what could be done about it. */
export type Finding = readonly [message: string, hint?: string];

/** Finds choices of targets that Envoy cannot make. */
export function* findInChoice({ targets, balance }: TargetChoice): Generator<Finding> {
  if (targets.length < 2) return;
  const names = targets.map(formatAddress).join(', ');
  if (balance === 'first' && targets.some(({ kind }) => kind === 'internal')) {
    yield [`it cannot tell which of its own stages can be reached: ${names}`, 'balance: round-robin'];
  }
  if (targets.some(isName) && targets.some(({ kind }) => kind !== 'tcp')) {
    yield [`it does not put names and other places together: ${names}`];
  }
}

/** Finds what a policy asks that Envoy does not judge. */
export function* findInPolicy(stage: ProxyStage | HttpStage): Generator<Finding> {
  const { allow = [], deny = [], caps } = stage;
  const what = stage.job === 'http' ? 'requests' : 'tunnels';
  if (asksUsers(stage)) yield ['it asks no client for a user and a password'];
  if (allow.length > 0 || deny.length > 0) yield [`it has no rules by name and address for where ${what} may go`];
  if (caps) yield [`it does not count ${what}`];
}

/** Finds what a proxy does that Envoy does not. */
export function* findInProxy(stage: ProxyStage): Generator<Finding> {
  const { accept, to, route, proxyProtocol, front } = stage;
  yield* findInPolicy(stage);
  if (front !== undefined) {
    yield [
      `it has no front for programs, as ${front}: is`,
      'a proxy for CONNECT alone can be exported: serve --no-plain',
    ];
  }
  for (const name of accept) {
    if (name === plainSwitch.name) yield ['it does not tell plain requests from those for itself (--no-plain)'];
    else if (name !== 'post') yield [`it is no server for ${name}`];
  }
  if ((route.retries ?? 0) > 0) yield ['it dials once for a client that has asked for a tunnel'];
  if (to) yield* findInChoice(to);
  const last = to ? undefined : route.hops.at(-1);
  if (!last) return;
  // Envoy forwards the request for a tunnel to the last hop instead of ending the tunnel.
  if (proxyProtocol) yield ['it puts no PROXY header in front of what it passes on to a proxy'];
  if (accept.includes('post')) yield ['it does not turn POST into CONNECT'];
  for (const hop of last) {
    const fields = [...hop.headers, ...(hop.formats ?? [])];
    const { tunnel, versions = [] } = findTerms(hop.scheme) ?? {};
    // A cluster for requests needs a fixed version of HTTP.
    const isPassed = tunnel === 'connect' && versions[0] !== 'either';
    if (hop.credentials || fields.length > 0 || !isPassed) {
      yield [`it passes tunnels on as they came, by http, h2c or h2, and ${formatHop(hop)} wants more`];
    }
  }
}
