import { isChosenByName, tellsInside } from '../model/chosen.ts';
import { asksUsers, demandsCertificate, listRoutesOut, type Stage } from '../model/graph.ts';

/** A stage that strangers reach, with what they can say to it. */
interface Reach {
  readonly stage: Stage;
  /** True if it gets the bytes of the client; otherwise those of our own hops, and only facts about the client. */
  readonly hasBytes: boolean;
  /** True if a PROXY header of the client was read on the way. */
  readonly isTold: boolean;
  /** True if a stage on the way shares a value with what the client says. */
  readonly isShared: boolean;
}

/**
 * Finds a stage whose clients name the target, and which the clients of `outer` reach through internal listeners without
 * a user or a certificate on the way. A stage with `open` is meant for everyone, and so is what it leads to.
 * @param findStage finds the stage with an internal listener of that name
 */
export function findChosenInside(outer: Stage, findStage: (name: string) => Stage | undefined): Stage | undefined {
  const seen = new Set<string>();
  const reached: Reach[] = [{ stage: outer, hasBytes: true, isTold: false, isShared: false }];
  // Grows while it is read.
  for (const reach of reached) {
    const { stage } = reach;
    if (isGuarded(stage)) continue;
    if (stage !== outer && isChosen(reach)) return stage;
    const isTold = reach.isTold || stage.acceptProxyProtocol !== undefined;
    const isShared = reach.isShared || (stage.job !== 'proxy' && tellsInside(stage));
    for (const { name, isDirect } of listLeads(stage)) {
      const hasBytes = reach.hasBytes && isDirect;
      const key = `${name} ${hasBytes} ${isTold} ${isShared}`;
      const inner = findStage(name);
      if (!inner || seen.has(key)) continue;
      seen.add(key);
      reached.push({ stage: inner, hasBytes, isTold, isShared });
    }
  }
  return undefined;
}

/**
 * Finds the stages that get the bytes of the clients of `outer`, through any number of internal listeners.
 * @param findStage finds the stage with an internal listener of that name
 */
export function findInside(outer: Stage, findStage: (name: string) => Stage | undefined): ReadonlySet<Stage> {
  const found = new Set([outer]);
  // Grows while it is read.
  for (const stage of found) {
    for (const { name, isDirect } of listLeads(stage)) {
      const inner = isDirect ? findStage(name) : undefined;
      if (inner) found.add(inner);
    }
  }
  found.delete(outer);
  return found;
}

function isGuarded(stage: Stage): boolean {
  const { open = false, tls } = stage;
  return open || (stage.job !== 'forward' && asksUsers(stage)) || demandsCertificate(tls);
}

function isChosen({ stage, hasBytes, isTold, isShared }: Reach): boolean {
  switch (stage.job) {
    case 'proxy':
      return hasBytes && !stage.to;
    case 'http':
      return hasBytes && stage.upstreams.some(({ to }) => 'field' in to);
    case 'forward':
      return (
        isChosenByName({ ...stage, ...(isTold && { acceptProxyProtocol: 'required' }) }) ||
        (isShared && (stage.targetFormat?.includes('%FILTER_STATE(') ?? false))
      );
  }
}

/** Lists the internal listeners that a stage leads to; an entry before hops gets what we say to the first of them. */
function listLeads(stage: Stage): { readonly name: string; readonly isDirect: boolean }[] {
  return listRoutesOut(stage).flatMap(({ to, route: { entry, hops } }) => {
    if (entry) return [{ name: entry.name, isDirect: hops.length === 0 }];
    return (to?.targets ?? []).flatMap((target) =>
      target.kind === 'internal' ? [{ name: target.name, isDirect: true }] : [],
    );
  });
}
