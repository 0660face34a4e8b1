import type { HopChoice } from '../../chain/model/graph.ts';
import type { TcpAddress } from '../../core/address.ts';
import type { HopAnswer } from '../../core/dialer.ts';
import { formatHop } from '../../core/hop.ts';
import type { Examination } from './examination.ts';
import type { Verdict } from './verdict.ts';

/** One question about the way to the target. */
export type Probe = {
  /** The subject of its lines. */
  readonly name: string;
  /** What is being done, for a spinner. */
  readonly doing: string;
} & (NeedsNothing | NeedsTunnel);

/** Nothing must have been found before. */
interface NeedsNothing {
  readonly needs: 'nothing';
  /** Returns its lines; none if it has nothing to say. @throws the reason of the check's end, or a defect */
  readonly examine: (exam: Examination) => Promise<readonly Verdict[]>;
}

/** Tunnels must have been found to open. A probe that is not asked says nothing. */
interface NeedsTunnel {
  readonly needs: 'tunnel';
  /** As above, with the address to which they open. */
  readonly examine: (exam: Examination, open: TcpAddress) => Promise<readonly Verdict[]>;
}

/** Runs an examination of each hop in travel order, until one finds that nothing beyond it can be reached. */
export async function forEachHop(
  { options: { hops } }: Examination,
  examine: (index: number, choice: HopChoice, prefix: string) => Promise<readonly Verdict[]>,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const [index, choice] of hops.entries()) {
    const prefix = hops.length > 1 ? `hop ${index + 1}: ` : '';
    verdicts.push(...(await examine(index, choice, prefix)));
    if (verdicts.some(({ error }) => error)) break;
  }
  return verdicts;
}

/** Selects what was noticed of one hop. */
export function ofHop<T extends Pick<HopAnswer, 'hop'>>(noticed: readonly T[], index: number): readonly T[] {
  return noticed.filter(({ hop }) => hop === index + 1);
}

/** Writes the alternatives of one place as URLs without secrets. */
export function formatChoice(choice: HopChoice): string {
  return choice.map(formatHop).join('|');
}
