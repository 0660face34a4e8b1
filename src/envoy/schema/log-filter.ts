import type * as z from 'zod';
import { emptyMessage, enumOf, filled, flag, list, message, must, text, uint32 } from './proto.ts';
import { headerMatcher, type HeaderMatcherMessage } from './matchers/text.ts';

const runtimeNumber = message('RuntimeUInt32', { default_value: uint32.optional(), runtime_key: text.optional() });

const comparison = message('ComparisonFilter', {
  op: enumOf({ EQ: 0, GE: 1, LE: 2, NE: 3 }).optional(),
  value: runtimeNumber,
});

const percent = message('FractionalPercent', {
  numerator: uint32.optional(),
  denominator: enumOf({ HUNDRED: 0, TEN_THOUSAND: 1, MILLION: 2 }).optional(),
});

/** The kinds of entries in Envoy's access logs, by their names in capitals. */
const logType = enumOf({
  NOTSET: 0,
  TCPUPSTREAMCONNECTED: 1,
  TCPPERIODIC: 2,
  TCPCONNECTIONEND: 3,
  DOWNSTREAMSTART: 4,
  DOWNSTREAMPERIODIC: 5,
  DOWNSTREAMEND: 6,
  UPSTREAMPOOLREADY: 7,
  UPSTREAMPERIODIC: 8,
  UPSTREAMEND: 9,
  DOWNSTREAMTUNNELSUCCESSFULLYESTABLISHED: 10,
  UDPTUNNELUPSTREAMCONNECTED: 11,
  UDPPERIODIC: 12,
  UDPSESSIONEND: 13,
  TCPCONNECTIONSTART: 14,
});

interface Comparison {
  readonly comparison: z.infer<typeof comparison>;
}

/** The filter of an access log in a file. */
export interface LogFilterMessage {
  readonly status_code_filter?: Comparison | undefined;
  readonly duration_filter?: Comparison | undefined;
  readonly not_health_check_filter?: object | undefined;
  readonly runtime_filter?:
    | { readonly runtime_key: string; readonly percent_sampled?: z.infer<typeof percent> | undefined }
    | undefined;
  readonly and_filter?: { readonly filters: readonly LogFilterMessage[] } | undefined;
  readonly or_filter?: { readonly filters: readonly LogFilterMessage[] } | undefined;
  readonly header_filter?: { readonly header: HeaderMatcherMessage } | undefined;
  readonly response_flag_filter?: { readonly flags?: readonly string[] | undefined } | undefined;
  readonly log_type_filter?:
    | { readonly types?: readonly z.infer<typeof logType>[] | undefined; readonly exclude?: boolean | undefined }
    | undefined;
}

/** The fields of a filter of which exactly one is there. */
export const filterKinds = [
  'status_code_filter',
  'duration_filter',
  'not_health_check_filter',
  'runtime_filter',
  'and_filter',
  'or_filter',
  'header_filter',
  'response_flag_filter',
  'log_type_filter',
] as const satisfies readonly (keyof LogFilterMessage)[];

const joined = (name: string) =>
  message(name, {
    // Filters nest: the form of their list is asked for once all forms are made.
    get filters(): z.ZodType<readonly LogFilterMessage[]> {
      return list(logFilter).unwrap().min(2, must('a list of at least two filters'));
    },
  });

const compared = (name: string) => message(name, { comparison });

/** `envoy.config.accesslog.v3.AccessLogFilter` */
export const logFilter: z.ZodObject & z.ZodType<LogFilterMessage> = message(
  'AccessLogFilter',
  {
    status_code_filter: compared('StatusCodeFilter').optional(),
    duration_filter: compared('DurationFilter').optional(),
    not_health_check_filter: emptyMessage('NotHealthCheckFilter').optional(),
    runtime_filter: message(
      'RuntimeFilter',
      { runtime_key: filled, percent_sampled: percent.optional() },
      { ignored: 'use_independent_randomness' },
    ).optional(),
    and_filter: joined('AndFilter').optional(),
    or_filter: joined('OrFilter').optional(),
    header_filter: message('HeaderFilter', { header: headerMatcher }).optional(),
    response_flag_filter: message('ResponseFlagFilter', { flags: list(text) }).optional(),
    log_type_filter: message('LogTypeFilter', { types: list(logType), exclude: flag.optional() }).optional(),
  },
  {
    refused: {
      tracing: 'traceable_filter',
      log: 'grpc_status_filter metadata_filter extension_filter',
    },
  },
);
