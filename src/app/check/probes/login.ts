import { schemes } from '../../../auth/schemes/all.ts';
import type { HopChoice } from '../../../chain/model/graph.ts';
import type { TunlError } from '../../../core/errors.ts';
import type { Visit } from '../examination.ts';
import { forEachHop, ofHop, type Probe } from '../probe.ts';
import { failureVerdict, formatMs, type Verdict } from '../verdict.ts';

/** Which scheme proves to each proxy who we are. A password is tried once. */
export const login: Probe = {
  name: 'login',
  doing: 'proving who we are',
  needs: 'nothing',
  examine: (exam) =>
    forEachHop(exam, async (index, choice, prefix) => {
      if (!(await exam.needsLogin(index))) return [];
      const visit = await exam.loginAt(index);
      const verdicts = describe(visit, index, choice, prefix);
      if (verdicts.some(({ error }) => error)) exam.findings.refusedAt ??= index;
      return verdicts;
    }),
};

function describe(visit: Visit, index: number, choice: HopChoice, prefix: string): readonly Verdict[] {
  const { steps, answers, error, isSpent } = visit;
  if (isSpent) return [];
  const proof = ofHop(steps, index).find((step) => step.login);
  const user = choice.find(({ credentials }) => credentials)?.credentials?.user;
  const as = user === undefined ? '' : ` as ${user}`;
  if (proof?.login) {
    const { scheme, rounds, passedOver } = proof.login;
    const took = `${rounds === 1 ? '1 round' : `${rounds} rounds`}, ${formatMs(proof.ms)}`;
    return [
      ...describePassedOver(passedOver, prefix),
      {
        name: login.name,
        state: 'ok',
        text: `${prefix}${scheme}: accepted${scheme === 'Negotiate' ? '' : as}, ${took}`,
        facts: { scheme, rounds, ms: Math.round(proof.ms) },
      },
    ];
  }
  if (error?.code === 'auth_required' && error.facts.hop?.index === index + 1)
    return [describeRefusal(error, prefix, user)];
  // Whatever the answer is, it is not about who asks: that is for the next probe.
  const own = ofHop(answers, index);
  const last = own.at(-1);
  const wasAsked = own.some(({ challenges }) => challenges);
  return wasAsked && last && !last.challenges
    ? [{ name: login.name, state: 'ok', text: `${prefix}accepted${as}`, facts: { status: last.status } }]
    : [];
}

/** One line for each scheme that was passed over; what follows its reason is advice. */
function describePassedOver(reasons: readonly string[], prefix: string): Verdict[] {
  const lines: { readonly text: string; readonly remedies: string[] }[] = [];
  for (const reason of reasons) {
    if (schemes.some(({ title }) => reason.startsWith(`${title}: `)))
      lines.push({ text: prefix + reason, remedies: [] });
    else lines.at(-1)?.remedies.push(reason);
  }
  return lines.map((line) => ({ name: login.name, state: 'warning', ...line }));
}

/** The words of the proxy's page are left out: it only says that it asks. */
function describeRefusal(error: TunlError, prefix: string, user: string | undefined): Verdict {
  const { state, remedies = [] } = failureVerdict(login.name, error);
  const reasons = remedies.filter((remedy) => schemes.some(({ title }) => remedy.startsWith(`${title}: `)));
  const isChecked = error.facts.refusedPassword === true;
  const what =
    user === undefined
      ? 'nothing was sent that it accepts'
      : isChecked
        ? `the password of ${user} is not accepted`
        : `${user} is not accepted`;
  return {
    name: login.name,
    state,
    text: prefix + what,
    causes: reasons,
    remedies: remedies.filter((remedy) => !reasons.includes(remedy)),
    facts: { refusedPassword: isChecked },
    error,
  };
}
