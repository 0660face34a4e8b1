import type { TcpAddress } from '../../src/core/address.ts';
import { type ErrorCode, TunlError } from '../../src/core/errors.ts';
import { createPolicy, parseRule, type Policy, type PolicyBase } from '../../src/policy/rules.ts';

/** Rules as the command line has them. */
export interface RuleTexts {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

export function policyOf(base: PolicyBase, { allow = [], deny = [] }: RuleTexts = {}): Policy {
  return createPolicy({ base, allow: allow.map(parseRule), deny: deny.map(parseRule) });
}

/** `db:22` or `[::1]:22` as a target. */
export function toTarget(text: string): TcpAddress {
  const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(text)!;
  return { kind: 'tcp', host, port: Number(port) };
}

/** Returns the verdict on a target that resolves to `address`; a literal resolves to itself. */
export function judge(policy: Policy, target: string, address?: string): ErrorCode | 'allowed' {
  const tcp = toTarget(target);
  const ip = address ?? tcp.host;
  return codeOf(() => {
    policy.checkName(tcp);
    const error = policy.checkIp(tcp, { address: ip, family: ip.includes(':') ? 6 : 4 });
    if (error) throw error;
  });
}

/** Returns the verdict on a target that somebody else resolves. */
export function judgeText(policy: Policy, target: string): ErrorCode | 'allowed' {
  return codeOf(() => policy.checkText(toTarget(target)));
}

function codeOf(work: () => void): ErrorCode | 'allowed' {
  try {
    work();
    return 'allowed';
  } catch (error) {
    if (error instanceof TunlError) return error.code;
    throw error;
  }
}
