import type { AccessLog, ChainStage } from '../chain/model.ts';
import { tidyHttp } from './canonical-http.ts';
import { tidyForward, tidyRoute } from './canonical-route.ts';
import type { FieldWriter } from './export-fields.ts';

/** A stage without what goes without saying, and with what Envoy must be told. */
export function tidyStage(stage: ChainStage, fields: FieldWriter): ChainStage {
  const { log, accessLogs = [], tls, ...others } = stage;
  const logs = (log ? [...accessLogs, { path: '/dev/stderr' }] : accessLogs).map(tidyLog);
  const common = {
    log: false,
    ...(logs.length > 0 && { accessLogs: logs }),
    ...(tls && { tls: { ...tls, ...(tls.cert !== undefined && { key: tls.key ?? tls.cert }) } }),
  };
  switch (others.job) {
    case 'forward':
      return { ...tidyForward(others, fields), ...common };
    case 'proxy':
      // Envoy lets everybody in, and has statuses of its own.
      return { ...others, open: true, statuses: 'envoy', route: tidyRoute(others.route, true, fields), ...common };
    case 'http':
      return { ...tidyHttp(others, fields), ...common };
  }
}

/** Envoy ends no line by itself. */
function tidyLog(log: AccessLog): AccessLog {
  const { format } = log;
  return typeof format === 'string' && !format.endsWith('\n') ? { ...log, format: `${format}\n` } : log;
}
