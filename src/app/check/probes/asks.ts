import { parseChallenges } from '../../../auth/model/challenge.ts';
import type { HopAnswer } from '../../../core/dialer.ts';
import { toShort } from '../../../syntax/text.ts';
import { forEachHop, ofHop, type Probe } from '../probe.ts';
import type { Verdict } from '../verdict.ts';

/** The fields in which a proxy names its program. */
const naming: readonly string[] = ['server', 'proxy-agent', 'via'];

/** What each proxy wants to know before it opens a tunnel. */
export const asks: Probe = {
  name: 'asks for',
  doing: 'reading what the proxy asks for',
  needs: 'nothing',
  examine: (exam) =>
    forEachHop(exam, async (index, _choice, prefix) => {
      const { answers } = await exam.visitHop(index);
      const [first] = ofHop(answers, index);
      return first ? [describe(first, prefix)] : [];
    }),
};

function describe(answer: HopAnswer, prefix: string): Verdict {
  const { status, headers, challenges: asked, isPersistent } = answer;
  const server = headers.find(([name]) => naming.includes(name))?.[1];
  const named = server === undefined ? {} : { server: toShort(server) };
  if (status === 401 && !asked) {
    return {
      name: asks.name,
      state: 'warning',
      text: `${prefix}a login as a web server does, with 401 in place of 407, which is not answered`,
      facts: { status, ...named },
    };
  }
  if (!asked) return { name: asks.name, state: 'ok', text: `${prefix}nothing`, facts: { status, ...named } };
  const challenges = parseChallenges(asked);
  const schemes = [...new Set(challenges.map(({ title }) => toShort(title)))];
  const realm = challenges.flatMap(({ params }) => params.get('realm') ?? [])[0];
  const facts = { status, schemes, closes: isPersistent === false, ...(realm !== undefined && { realm }), ...named };
  if (schemes.length === 0)
    return { name: asks.name, state: 'warning', text: `${prefix}a login, without saying how`, facts };
  const how = realm === undefined ? '' : ` (realm "${toShort(realm)}")`;
  const closing = isPersistent === false ? '; closes the connection after asking' : '';
  return { name: asks.name, state: 'ok', text: `${prefix}${schemes.join(', ')}${how}${closing}`, facts };
}
