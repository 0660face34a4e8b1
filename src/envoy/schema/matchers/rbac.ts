import * as z from 'zod';
import { enumOf, filled, list, message, must, truth, uint } from '../proto.ts';
import { headerMatcher, type HeaderMatcherMessage, stringMatcher, type StringMatcherMessage } from './text.ts';

const range = message('CidrRange', {
  address_prefix: filled,
  prefix_len: uint(0, 128, 'a number of bits from 0 to 128').optional(),
});

const portRange = message('Int32Range', {
  start: uint(0, 65536, 'a port').optional(),
  end: uint(0, 65536, 'a port').optional(),
});

const urlPath = message('PathMatcher', { path: stringMatcher });

type Range = z.infer<typeof range>;
type UrlPath = z.infer<typeof urlPath>;

/** What both permissions and principals can say. */
interface CommonRule {
  readonly any?: true | undefined;
  readonly header?: HeaderMatcherMessage | undefined;
  readonly url_path?: UrlPath | undefined;
}

/** A permission in a file. */
export interface PermissionMessage extends CommonRule {
  readonly and_rules?: { readonly rules: readonly PermissionMessage[] } | undefined;
  readonly or_rules?: { readonly rules: readonly PermissionMessage[] } | undefined;
  readonly not_rule?: PermissionMessage | undefined;
  readonly destination_ip?: Range | undefined;
  readonly destination_port?: number | undefined;
  readonly destination_port_range?: z.infer<typeof portRange> | undefined;
  readonly requested_server_name?: StringMatcherMessage | undefined;
}

/** A principal in a file. */
export interface PrincipalMessage extends CommonRule {
  readonly and_ids?: { readonly ids: readonly PrincipalMessage[] } | undefined;
  readonly or_ids?: { readonly ids: readonly PrincipalMessage[] } | undefined;
  readonly not_id?: PrincipalMessage | undefined;
  readonly authenticated?: { readonly principal_name?: StringMatcherMessage | undefined } | undefined;
  readonly source_ip?: Range | undefined;
  readonly direct_remote_ip?: Range | undefined;
  readonly remote_ip?: Range | undefined;
}

const some = <T extends z.ZodType>(item: T) => list(item).unwrap().min(1, must('a list that is not empty'));

const permissions = message('Permission.Set', {
  // Rules nest: the form of their list is asked for once all forms are made.
  get rules(): z.ZodType<readonly PermissionMessage[]> {
    return some(permission);
  },
});

const principals = message('Principal.Set', {
  get ids(): z.ZodType<readonly PrincipalMessage[]> {
    return some(principal);
  },
});

const common = {
  any: truth.optional(),
  header: headerMatcher.optional(),
  url_path: urlPath.optional(),
};

const permission: z.ZodObject & z.ZodType<PermissionMessage> = message(
  'Permission',
  {
    ...common,
    and_rules: permissions.optional(),
    or_rules: permissions.optional(),
    get not_rule(): z.ZodType<PermissionMessage | undefined> {
      return permission.optional();
    },
    destination_ip: range.optional(),
    destination_port: uint(0, 65535, 'a port from 0 to 65535').optional(),
    destination_port_range: portRange.optional(),
    requested_server_name: stringMatcher.optional(),
  },
  { refused: { judge: 'metadata sourced_metadata matcher uri_template' } },
);

const authenticated = message('Principal.Authenticated', { principal_name: stringMatcher.optional() });

const principal: z.ZodObject & z.ZodType<PrincipalMessage> = message(
  'Principal',
  {
    ...common,
    and_ids: principals.optional(),
    or_ids: principals.optional(),
    get not_id(): z.ZodType<PrincipalMessage | undefined> {
      return principal.optional();
    },
    authenticated: authenticated.optional(),
    source_ip: range.optional(),
    direct_remote_ip: range.optional(),
    remote_ip: range.optional(),
  },
  { refused: { judge: 'metadata sourced_metadata filter_state custom' } },
);

const policy = message(
  'Policy',
  { permissions: some(permission), principals: some(principal) },
  { refused: { expression: 'condition checked_condition cel_config' } },
);

const rules = message(
  'RBAC',
  {
    // LOG lets everything pass, and writes metadata that only Envoy reads.
    action: enumOf({ ALLOW: 0, DENY: 1, LOG: 2 }).optional(),
    policies: z.record(z.string(), policy, must('policies by name')).optional(),
  },
  { refused: { messages: 'audit_logging_options audit_condition audit_log' } },
);

// Shadow rules decide nothing.
const shadows = 'shadow_rules shadow_matcher shadow_rules_stat_prefix';

/** The name of the filter for requests below `envoy.extensions`. */
export const requestFilterType = 'envoy.extensions.filters.http.rbac.v3.RBAC';

/** The filter that lets requests pass. */
export const requestFilter = message(
  'RBAC',
  { rules: rules.optional() },
  {
    ignored: `${shadows} rules_stat_prefix track_per_rule_stats`,
    refused: { judge: 'matcher' },
    isStrict: true,
  },
);

/** The name of its settings for a route. */
export const perRouteType = 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute';

/** The settings of a route for the filter that lets requests pass. */
export const requestFilterPerRoute = message('RBACPerRoute', { rbac: requestFilter.optional() }, { isStrict: true });

/** The name of the filter for connections below `envoy.extensions`. */
export const connectionFilterType = 'envoy.extensions.filters.network.rbac.v3.RBAC';

/** The filter that lets connections pass. */
export const connectionFilter = message(
  'RBAC',
  {
    stat_prefix: filled,
    rules: rules.optional(),
    // Nothing of a connection changes while it lasts.
    enforcement_type: enumOf({ ONE_TIME_ON_FIRST_BYTE: 0, CONTINUOUS: 1 }).optional(),
  },
  { ignored: shadows, refused: { judge: 'matcher', late: 'delay_deny' }, isStrict: true },
);

/** The rules of a filter in a file. */
export type RulesMessage = z.infer<typeof rules>;
/** A range of addresses in a file. */
export type RangeMessage = Range;
/** A range of ports in a file. */
export type PortRangeMessage = z.infer<typeof portRange>;

const changedFirst =
  /^(?:x-envoy-.*|x-forwarded-(?:proto|for|client-cert)|x-request-id|connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade|content-length|expect)$/;

/** True for a field that Envoy writes, changes or removes before its filters see a request. */
export function changesFirst(name: string): boolean {
  return changedFirst.test(name);
}
