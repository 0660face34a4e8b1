import type { LogFilter, LogTest } from '../../chain/model/log-filter.ts';
import { hasField } from '../../router/match.ts';
import type { FormatFacts } from '../../syntax/format/format.ts';

/** True if a log with this filter writes a line about a tunnel or request that is over. */
export function passesFilter(filter: LogFilter, facts: FormatFacts): boolean {
  return filter.some((tests) => tests.every((test) => meets(test, facts)));
}

function meets(test: LogTest, facts: FormatFacts): boolean {
  switch (test.kind) {
    case 'status':
      return compares(facts.status ?? 0, test);
    case 'took':
      return facts.ms !== undefined && compares(facts.ms, test);
    case 'flags': {
      const set = facts.flags?.split(',') ?? [];
      return test.flags.length === 0 ? set.length > 0 : test.flags.some((flag) => set.includes(flag));
    }
    case 'field': {
      const { request, headers = [] } = facts.origin;
      const line = request ?? { method: undefined, target: undefined, authority: undefined };
      return hasField(test.field, { ...line, scheme: undefined, headers });
    }
  }
}

function compares(number: number, { compare, value }: LogTest & { readonly kind: 'status' | 'took' }): boolean {
  switch (compare) {
    case '=':
      return number === value;
    case '>=':
      return number >= value;
    case '<=':
      return number <= value;
    case '!=':
      return number !== value;
  }
}
