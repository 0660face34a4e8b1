import { asksUsers, demandsCertificate, formatListener, type Stage, type StagePolicy } from '../model/graph.ts';
import { describeRoutes } from './http-text.ts';

/** The open tunnels of a stage, and their bytes. */
export interface StageCounters {
  readonly tunnels: number;
  readonly sent: number;
  readonly received: number;
}

/**
 * Describes a stage for its box: where it listens, its job, and `beyond`, what lies behind the stage that it leads to;
 * then the answers that it gives itself, and the counters if there are any.
 */
export function describeStage(
  stage: Stage,
  beyond: readonly string[],
  counters: StageCounters | undefined,
): readonly string[] {
  const { listen, tls, log } = stage;
  const outside = listen.filter(({ kind }) => kind !== 'internal').map((address) => formatListener(stage, address));
  const traits = [
    ...(tls ? [demandsCertificate(tls) ? 'TLS with client certificates' : 'TLS'] : []),
    describeJob(stage),
    ...describeBalance(stage),
    ...(log ? ['log'] : []),
  ];
  return [
    ...outside.map((address) => `on ${address}`),
    traits.join(', '),
    ...beyond,
    ...describeAnswers(stage),
    ...(counters ? [describeCounters(counters)] : []),
  ];
}

function describeJob(stage: Stage): string {
  switch (stage.job) {
    case 'forward':
      return stage.job;
    case 'http':
      return [stage.job, ...describePolicy(stage, 'requests')].join(', ');
    case 'proxy': {
      const { accept, proxyProtocol } = stage;
      return [
        accept.length === 0 ? 'proxy' : `proxy with ${accept.join(', ')}`,
        ...describePolicy(stage, 'tunnels'),
        ...(proxyProtocol ? [`PROXY ${proxyProtocol}`] : []),
      ].join(', ');
    }
  }
}

function describePolicy(policy: Partial<StagePolicy>, what: string): string[] {
  const { allow = [], deny = [], caps } = policy;
  const rules = allow.length + deny.length;
  return [
    ...(asksUsers(policy) ? ['users'] : []),
    ...(rules > 0 ? [rules === 1 ? '1 rule' : `${rules} rules`] : []),
    ...(caps?.total === undefined ? [] : [`at most ${caps.total} ${what}`]),
  ];
}

function describeBalance({ to }: Stage): string[] {
  if (!to || to.targets.length < 2) return [];
  return [to.balance === 'first' ? 'first that answers' : 'in turn'];
}

function describeAnswers(stage: Stage): readonly string[] {
  if (stage.job !== 'http') return [];
  return describeRoutes(stage).flatMap(({ fits, does, upstream }) =>
    upstream === undefined ? [`${fits}: ${does}`] : [],
  );
}

function describeCounters({ tunnels, sent, received }: StageCounters): string {
  const count = tunnels === 1 ? '1 tunnel' : `${tunnels} tunnels`;
  return `${count}, sent ${formatBytes(sent)}, received ${formatBytes(received)}`;
}

const units = ['K', 'M', 'G', 'T'] as const;

/** Writes a number of bytes in powers of 1024, as in the tables of tunnels. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = '';
  for (const next of units) {
    if (amount < 999.5) break;
    amount /= 1024;
    unit = next;
  }
  return unit === '' || amount >= 9.95 ? `${Math.round(amount)}${unit}` : `${amount.toFixed(1)}${unit}`;
}
