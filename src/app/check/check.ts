import { formatAddress } from '../../core/address.ts';
import { findCacheFolder, hasCachePlace } from '../../core/environment.ts';
import { exitOf } from '../../core/errors.ts';
import type { Scope } from '../../core/scope.ts';
import { redactText } from '../../http/tunnel/redact.ts';
import { saveFindings } from '../memory.ts';
import { type Conclusion, conclude } from './conclusion.ts';
import { Examination, type Findings } from './examination.ts';
import type { CheckOptions } from './options.ts';
import { formatChoice, type Probe } from './probe.ts';
import { probes } from './probes/all.ts';
import { connect } from './probes/connect.ts';
import type { Facts, Verdict } from './verdict.ts';

/** A verdict as it is shown and written: without the failure itself, and with every text free of secrets. */
export interface ReportedVerdict extends Required<Pick<Verdict, 'name' | 'state' | 'text' | 'causes' | 'remedies'>> {
  readonly facts: Facts;
  /** The code and the exit status of the failure that a tunnel would meet; absent if tunnels work all the same. */
  readonly failure?: { readonly code: string; readonly exit: number };
}

/** Everything that a check has found. */
export interface CheckReport extends Conclusion {
  readonly target: string;
  /** The proxies as URLs without secrets, nearest first. */
  readonly proxies: readonly string[];
  readonly verdicts: readonly ReportedVerdict[];
  /** The number of connections that were made. */
  readonly connections: number;
}

/** Receives what a check does, as it happens. */
export interface CheckWatch {
  /** A probe begins; `doing` says what it does. `work` ends with it. */
  readonly onProbe?: (doing: string, work: Promise<unknown>) => void;
  readonly onVerdict?: (verdict: ReportedVerdict) => void;
}

/**
 * Examines the way to a target and says what a tunnel would meet. Nothing is sent to hosts that the options do not name, a
 * password is tried once at most, and at most twelve connections are made.
 * @throws {TunlError} usage, if a proxy cannot be used as it is written; the reason of the scope's end
 */
export async function runCheck(options: CheckOptions, scope: Scope, watch: CheckWatch = {}): Promise<CheckReport> {
  const exam = new Examination(options, scope);
  const verdicts: Verdict[] = [];
  const reported: ReportedVerdict[] = [];
  try {
    for (const probe of probes) {
      const work = ask(probe, verdicts, exam);
      if (!work) continue;
      watch.onProbe?.(probe.doing, work);
      for (const verdict of await work) {
        verdicts.push(verdict);
        const shown = toReported(verdict, options);
        reported.push(shown);
        watch.onVerdict?.(shown);
      }
    }
  } finally {
    await exam.close();
  }
  await remember(options, exam.findings);
  const { sentence, ...rest } = conclude(options, verdicts, exam.findings);
  return {
    target: formatAddress(options.target),
    proxies: options.hops.map(formatChoice),
    verdicts: reported,
    ...rest,
    sentence: redact(sentence, options),
    connections: exam.connections,
  };
}

async function remember({ hops, cacheEnv }: CheckOptions, { halfClose }: Findings): Promise<void> {
  if (!cacheEnv || !hasCachePlace(cacheEnv)) return;
  await saveFindings(hops, findCacheFolder(cacheEnv), halfClose);
}

/** Undefined once the answer is clear: what is not reached, or does not know us, tells nothing more. */
function ask(probe: Probe, verdicts: readonly Verdict[], exam: Examination): Promise<readonly Verdict[]> | undefined {
  const { open } = exam.findings;
  if (probe.needs === 'tunnel') return open && probe.examine(exam, open);
  return verdicts.some(({ error, name }) => error && name !== connect.name) ? undefined : probe.examine(exam);
}

function toReported(
  { error, causes = [], remedies = [], facts = {}, ...verdict }: Verdict,
  options: CheckOptions,
): ReportedVerdict {
  return {
    ...verdict,
    text: redact(verdict.text, options),
    causes: causes.map((cause) => redact(cause, options)),
    remedies: [...new Set(remedies)].map((remedy) => redact(remedy, options)),
    facts: redactFacts(facts, options),
    ...(error && { failure: { code: error.code, exit: exitOf(error) } }),
  };
}

/** Removes what we sent to prove who we are: proxies repeat requests in their answers. */
function redact(text: string, { hops }: CheckOptions): string {
  return hops.flat().reduce((left, hop) => redactText(left, hop), text);
}

function redactFacts(facts: Facts, options: CheckOptions): Facts {
  const clean = (value: Facts[string]): Facts[string] => {
    if (typeof value === 'string') return redact(value, options);
    return Array.isArray(value) ? value.map((item: string) => redact(item, options)) : value;
  };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, clean(value)]])),
  );
}
