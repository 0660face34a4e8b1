import { isIP } from 'node:net';
import type {
  ChainStage,
  ForwardStage,
  Graph,
  Limits,
  ProxyStage,
  RouteOptions,
  TargetChoice,
} from '../chain/model.ts';
import { defaultLimits } from '../chain/route-words.ts';
import { formatDuration } from '../core/deadline.ts';
import { formatAddress } from '../core/address.ts';
import { formatHop, type Hop } from '../core/hop.ts';
import { parseDuration } from '../words/duration.ts';
import { isName } from './export-cluster.ts';

/** Something that a stage does and Envoy cannot. */
export interface Unexpressed {
  readonly stage: string;
  readonly message: string;
  readonly hint?: string;
}

type Finding = readonly [message: string, hint?: string];

/** Finds everything in a graph that Envoy has no way to do. */
export function findUnexpressed({ stages, admin, internalBufferBytes = 1024 }: Graph): Unexpressed[] {
  const ofGraph: Finding[] = [
    ...(admin?.kind === 'fd' ? [['Envoy takes no descriptor that is open already'] as const] : []),
    ...(internalBufferBytes % 1024 !== 0 || internalBufferBytes / 1024 > 8192
      ? [['the buffer of its internal listeners is 1 to 8192 whole KiB'] as const]
      : []),
  ];
  return [
    ...ofGraph.map((finding) => toUnexpressed('the file', finding)),
    ...stages.flatMap((stage) => findInStage(stage).map((finding) => toUnexpressed(stage.name, finding))),
  ];
}

function toUnexpressed(stage: string, [message, hint]: Finding): Unexpressed {
  return { stage, message, ...(hint !== undefined && { hint }) };
}

function findInStage(stage: ChainStage): Finding[] {
  return [...findInListener(stage), ...findInLimits(stage.route.limits), ...findInJob(stage)];
}

function findInJob(stage: ChainStage): Finding[] {
  switch (stage.job) {
    case 'forward':
      return [...findInRoute(stage.route), ...findInTargets(stage)];
    case 'proxy':
      return [...findInRoute(stage.route), ...findInProxy(stage)];
    case 'http':
      return stage.upstreams.flatMap(({ to, route }) => [
        ...findInRoute(route),
        ...findInLimits(route.limits),
        ...('field' in to ? [] : findInChoice(to)),
      ]);
  }
}

function findInListener({ listen, tls }: ChainStage): Finding[] {
  const findings = listen.flatMap((address): Finding[] => {
    if (address.kind === 'fd')
      return [[`${formatAddress(address)} is open already, and Envoy opens its listeners itself`]];
    if (address.kind !== 'tcp' || address.host === '*' || isIP(address.host) !== 0) return [];
    return [[`${formatAddress(address)} is a name, and Envoy listens on addresses`]];
  });
  if (!tls || tls.cert !== undefined) return findings;
  return [...findings, ['Envoy makes no development certificate', 'name one: cert and key']];
}

/** Limits of ours that Envoy has nothing like; they are no loss where nobody has set them. */
const ownLimits = { dnsMs: 'dns', tlsMs: 'tls', handshakeMs: 'handshake', lingerMs: 'linger' } as const;

function findInLimits(limits: Limits): Finding[] {
  return (Object.keys(ownLimits) as (keyof typeof ownLimits)[]).flatMap((key): Finding[] => {
    const name = ownLimits[key];
    if (limits[key] === parseDuration(String(defaultLimits[name]), name)) return [];
    return [[`it has no limit like ${name}: ${formatDuration(limits[key])}`, 'leave it as it is by default']];
  });
}

function findInRoute({ hops, entry, retries = 0, retryOn, backOff, hopBalance }: RouteOptions): Finding[] {
  const findings: Finding[] = hops.flat().flatMap(findInHop);
  for (const [index, choice] of hops.entries()) {
    const [first] = choice;
    if (!first || choice.length < 2) continue;
    const names = choice.map(formatHop).join('|');
    if (index > 0 || entry) findings.push([`what leads through other proxies or stages is one proxy, not ${names}`]);
    if (choice.some((hop) => !isAlike(hop, first))) findings.push([`${names} differ in more than their address`]);
    if (hopBalance !== 'round-robin') findings.push([`it takes each of ${names} in turn, not the first that works`]);
  }
  if (retries > 0 && retryOn !== 'any') {
    findings.push(['it dials again after every failure, not only after those that may pass']);
  }
  if (retries === 0 && backOff) return findings;
  return findings;
}

/** True for hops of which one cluster can be made. */
function isAlike(hop: Hop, other: Hop): boolean {
  const key = ({ scheme, credentials, tls, headers, formats, settings, address }: Hop) =>
    JSON.stringify([
      scheme,
      credentials?.user,
      tls,
      headers,
      formats,
      settings,
      Object.keys(tls).length > 0 && address.host,
    ]);
  return key(hop) === key(other);
}

/** Schemes that Envoy can speak, with the settings that it has too. */
const known: Readonly<Record<string, readonly string[]>> = {
  http: [],
  https: [],
  h2c: [],
  h2: [],
  'post+http': ['path'],
  'post+https': ['path'],
  'post+h2c': ['path'],
  'post+h2': ['path'],
  hbone: ['peer', 'baggage', 'traceparent', 'forwarded'],
};

function findInHop(hop: Hop): Finding[] {
  const settings = known[hop.scheme];
  const name = formatHop(hop);
  if (!settings) return [[`it does not speak ${name}`]];
  const unknown = Object.keys(hop.settings).filter((key) => !settings.includes(key));
  const findings = unknown.map((key): Finding => [`it has nothing like ?${key}= of ${name}`]);
  return hop.scheme === 'hbone' ? [...findings, ...findInHbone(hop, name)] : findings;
}

function findInHbone({ settings }: Hop, name: string): Finding[] {
  return [
    ...(settings['peer'] === undefined ? [[`${name} must say whom to expect`, 'add ?peer=spiffe://…'] as const] : []),
    ...(settings['traceparent'] === 'no'
      ? []
      : [[`it makes up no traceparent for ${name}`, 'add ?traceparent=no'] as const]),
    ...(settings['forwarded'] === 'no' ? [] : [[`it does not say whom ${name} is for`, 'add ?forwarded=no'] as const]),
  ];
}

function findInTargets({ to, route }: ForwardStage): Finding[] {
  if (route.hops.length === 0) return route.entry ? [] : findInChoice(to);
  return to.targets.length > 1 ? [['through a proxy it asks for one target, not for several']] : [];
}

function findInChoice({ targets, balance }: TargetChoice): Finding[] {
  if (targets.length < 2) return [];
  const names = targets.map(formatAddress).join(', ');
  const isMixed = targets.some(isName) && targets.some(({ kind }) => kind !== 'tcp');
  return [
    ...(balance === 'first'
      ? [[`it takes each of ${names} in turn, not the first that can be reached`, 'balance: round-robin'] as const]
      : []),
    ...(isMixed ? [[`names and what is no TCP address do not go together: ${names}`] as const] : []),
  ];
}

function findInProxy({ users, allow, deny, caps, accept, to, route, proxyProtocol }: ProxyStage): Finding[] {
  const passesOn = !to && route.hops.length > 0;
  const [last] = route.hops.slice(-1);
  return [
    ...(users.authFile !== undefined || users.single ? [['it asks no users for passwords'] as const] : []),
    ...(allow.length > 0 || deny.length > 0 ? [['it has no rules for where tunnels may go'] as const] : []),
    ...(caps ? [['it counts no tunnels'] as const] : []),
    ...accept.filter((name) => name !== 'post').map((name): Finding => [`it is no server of ${name}`]),
    ...((route.retries ?? 0) > 0 ? [['for a client that has asked for a tunnel it dials once'] as const] : []),
    ...(passesOn && proxyProtocol ? [['what goes on to a proxy has no PROXY header'] as const] : []),
    ...(passesOn && accept.includes('post') ? [['what came as POST does not go on as CONNECT'] as const] : []),
    ...(passesOn &&
    last?.some((hop) => hop.headers.length > 0 || hop.credentials || !/^(?:http|h2c|h2)$/.test(hop.scheme))
      ? [['tunnels go on to a proxy as they came, by http://, h2c:// or h2://, without further fields'] as const]
      : []),
  ];
}
