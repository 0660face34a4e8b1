import { formatAddress, type ListenAddress } from '../core/address.ts';
import { type ChainStage, type Graph, listExits, listNames } from './model.ts';

/** Something that a graph cannot have. */
export interface GraphFault {
  /** The stage that it is about. */
  readonly stage: string;
  /** Which part of it. */
  readonly part: 'name' | 'listen' | 'to' | 'via';
  readonly message: string;
  readonly hint?: string;
}

/** Finds what is wrong with a graph before anything listens: names, loops, stages that nothing leads to. */
export function findFaults({ stages, admin }: Graph): GraphFault[] {
  const names = new Map<string, ChainStage>();
  const faults: GraphFault[] = [];
  for (const stage of stages) {
    for (const name of listNames(stage)) {
      if (names.has(name)) faults.push(fault(stage, 'listen', `internal://${name} is listened on twice`));
      names.set(name, stage);
    }
  }
  faults.push(
    ...findTwins(stages),
    ...findSharedAddresses(stages, admin),
    ...findUnknown(stages, names),
    ...findImpossible(stages),
  );
  if (faults.length > 0) return faults;
  return [...findLoops(stages, names), ...findUnreached(stages, names)];
}

function fault(stage: ChainStage, part: GraphFault['part'], message: string, hint?: string): GraphFault {
  return { stage: stage.name, part, message, ...(hint !== undefined && { hint }) };
}

function findTwins(stages: readonly ChainStage[]): GraphFault[] {
  return stages
    .filter((stage, index) => stages.findIndex(({ name }) => name === stage.name) < index)
    .map((stage) => fault(stage, 'name', `there are two stages named ${stage.name}`));
}

function findSharedAddresses(stages: readonly ChainStage[], admin: ListenAddress | undefined): GraphFault[] {
  const seen = new Map<string, { readonly name: string }>();
  const faults: GraphFault[] = [];
  if (admin) seen.set(formatAddress(admin), { name: 'admin' });
  for (const stage of stages) {
    for (const address of stage.listen) {
      if (address.kind === 'internal' || (address.kind === 'tcp' && address.port === 0)) continue;
      const text = formatAddress(address);
      const other = seen.get(text);
      if (other) faults.push(fault(stage, 'listen', `${text} is listened on by ${other.name} already`));
      seen.set(text, stage);
    }
  }
  return faults;
}

function findUnknown(stages: readonly ChainStage[], names: ReadonlyMap<string, ChainStage>): GraphFault[] {
  return stages.flatMap((stage) =>
    listExits(stage)
      .filter(({ name }) => !names.has(name))
      .map((exit) => {
        const known = [...names.keys()].map((name) => `internal://${name}`).join(', ');
        const hint = known === '' ? 'no stage has an internal listener' : `there are ${known}`;
        return fault(
          stage,
          exit === stage.route.entry ? 'via' : 'to',
          `nothing listens on internal://${exit.name}`,
          hint,
        );
      }),
  );
}

/** A proxy knows neither our stages nor our sockets: it can only be asked for a host and a port. */
function findImpossible(stages: readonly ChainStage[]): GraphFault[] {
  return stages.flatMap((stage) => {
    const lost = stage.route.hops.length > 0 ? stage.to?.targets.find(({ kind }) => kind !== 'tcp') : undefined;
    if (!lost) return [];
    const where = lost.kind === 'unix' ? 'on this machine' : 'in this process';
    const hint =
      lost.kind === 'unix'
        ? 'leave the proxies out'
        : `to reach the proxies through it, write ${formatAddress(lost)} before them`;
    return [fault(stage, 'to', `no proxy can lead to ${formatAddress(lost)}, which is ${where}`, hint)];
  });
}

/** A way that comes back to where it was would never end. */
function findLoops(stages: readonly ChainStage[], names: ReadonlyMap<string, ChainStage>): GraphFault[] {
  const done = new Set<ChainStage>();
  const visit = (stage: ChainStage, path: readonly ChainStage[]): GraphFault | undefined => {
    if (path.includes(stage)) {
      const circle = [...path.slice(path.indexOf(stage)), stage].map(({ name }) => name).join(' -> ');
      return fault(stage, 'to', `the stages go round in circles: ${circle}`);
    }
    if (done.has(stage)) return undefined;
    for (const exit of listExits(stage)) {
      const found = visit(names.get(exit.name) as ChainStage, [...path, stage]);
      if (found) return found;
    }
    done.add(stage);
    return undefined;
  };
  for (const stage of stages) {
    const found = visit(stage, []);
    if (found) return [found];
  }
  return [];
}

/** A stage with internal listeners only, that nothing leads to, does nothing: a name is misspelt somewhere. */
function findUnreached(stages: readonly ChainStage[], names: ReadonlyMap<string, ChainStage>): GraphFault[] {
  const reached = new Set<ChainStage>();
  const reach = (stage: ChainStage): void => {
    if (reached.has(stage)) return;
    reached.add(stage);
    for (const { name } of listExits(stage)) reach(names.get(name) as ChainStage);
  };
  stages.filter(({ listen }) => listen.some(({ kind }) => kind !== 'internal')).forEach(reach);
  return stages
    .filter((stage) => !reached.has(stage))
    .map((stage) =>
      fault(stage, 'listen', `nothing leads to ${stage.name}`, 'let another stage lead to it, or give it a port'),
    );
}
