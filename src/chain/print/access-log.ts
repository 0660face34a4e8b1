import { formatDuration } from '../../core/deadline.ts';
import type { AccessLog } from '../model/graph.ts';
import type { LogFilter, LogTest } from '../model/log-filter.ts';
import type { AccessLogConfig } from '../read/log/access-log.ts';
import type { LogTestsConfig } from '../read/log/tests.ts';
import { escapeVariables } from '../read/secrets.ts';
import { toFieldConfig } from './conditions.ts';
import { unwrap } from './route.ts';

/** Writes an access log as in a file. */
export function toAccessLogConfig({ path, format, when, at }: AccessLog): AccessLogConfig {
  if (format === undefined && !when && !at) return escapeVariables(path);
  return {
    path: escapeVariables(path),
    ...(format !== undefined && { format: typeof format === 'string' ? escapeVariables(format) : toMembers(format) }),
    ...(when && { when: toFilterConfig(when) }),
    ...(at && { at: unwrap(at) }),
  };
}

/** Writes conditions as in a file. */
export function toFilterConfig(when: LogFilter): LogTestsConfig | LogTestsConfig[] {
  return unwrap(when.map(toTestsConfig));
}

/** Writes the members of a JSON object as in a file. */
export function toMembers(format: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(format).map(([name, text]) => [name, escapeVariables(text)]));
}

function toTestsConfig(tests: readonly LogTest[]): LogTestsConfig {
  const numbers = (kind: 'status' | 'took', write: (value: number) => string | number) =>
    tests.flatMap((test) => {
      if (test.kind !== kind) return [];
      const value = write(test.value);
      return test.compare === '=' ? [value] : [`${test.compare} ${value}`];
    });
  const [status, took] = [numbers('status', (value) => value), numbers('took', formatDuration).map(String)];
  const flags = tests.flatMap((test) => (test.kind === 'flags' ? [test.flags.join('|') || (true as const)] : []));
  const fields = tests.flatMap((test) => (test.kind === 'field' ? [test.field] : []));
  return {
    ...(status.length > 0 && { status: unwrap(status) }),
    ...(took.length > 0 && { took: unwrap(took) }),
    ...(flags.length > 0 && { flags: unwrap(flags) }),
    ...(fields.length > 0 && { headers: toFieldConfig(fields) }),
  };
}
