import type { Path } from '../../../chain/read/document.ts';
import type { Screen, ScreenRule } from '../../../chain/model/screen.ts';
import { formatRange, toBytes } from '../../../core/ip.ts';
import { quote } from '../../../syntax/text.ts';
import {
  changesFirst,
  type PermissionMessage,
  type PortRangeMessage,
  type PrincipalMessage,
  type RangeMessage,
  type RulesMessage,
} from '../../schema/matchers/rbac.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';
import { readField, readString } from '../http/match.ts';
import { assertOne } from '../one-of.ts';

/** What the rules of a filter can judge by. */
export interface RulesContext {
  readonly reading: BootstrapDiagnostics;
  /** True for a filter of connections, which sees no request. */
  readonly isOfConnections: boolean;
  /** True behind an internal listener, whose connections have no IP addresses in Envoy. */
  readonly isInternal: boolean;
  /** True if clients speak TLS with the listener. */
  readonly hasTls: boolean;
  /** True if the listener looks for the server name that clients ask for. */
  readonly seesServerName: boolean;
  /** True if a PROXY header tells the listener who the client is. */
  readonly isTold: boolean;
}

/** Reads the rules of a filter. Returns undefined for rules that let everything pass, or that are absent. */
export function readRules(words: RulesMessage | undefined, path: Path, context: RulesContext): Screen | undefined {
  if (!words || words.action === 'LOG') return undefined;
  const { action = 'ALLOW', policies = {} } = words;
  const reader = new RulesReader(context);
  return {
    action: action === 'ALLOW' ? 'allow' : 'deny',
    policies: Object.entries(policies).map(([name, { permissions, principals }]) => {
      const at = [...path, 'policies', name];
      return {
        name,
        what: permissions.map((each, index) => reader.readPermission(each, [...at, 'permissions', index])),
        who: principals.map((each, index) => reader.readPrincipal(each, [...at, 'principals', index])),
      };
    }),
  };
}

const permissionKinds = [
  'and_rules',
  'or_rules',
  'not_rule',
  'any',
  'header',
  'url_path',
  'destination_ip',
  'destination_port',
  'destination_port_range',
  'requested_server_name',
] as const satisfies readonly (keyof PermissionMessage)[];

const principalKinds = [
  'and_ids',
  'or_ids',
  'not_id',
  'any',
  'header',
  'url_path',
  'authenticated',
  'source_ip',
  'direct_remote_ip',
  'remote_ip',
] as const satisfies readonly (keyof PrincipalMessage)[];

/** Stands for a rule that is refused. */
const never: ScreenRule = { kind: 'not', rule: { kind: 'any' } };

class RulesReader {
  readonly #context: RulesContext;

  constructor(context: RulesContext) {
    this.#context = context;
  }

  readPermission(words: PermissionMessage, path: Path): ScreenRule {
    const { reading } = this.#context;
    assertOne(path, words, permissionKinds, reading);
    const read = (rule: PermissionMessage, at: Path) => this.readPermission(rule, at);
    const { and_rules: all, or_rules: some } = words;
    if (all) return join('all', all.rules, [...path, 'and_rules', 'rules'], read);
    if (some) return join('some', some.rules, [...path, 'or_rules', 'rules'], read);
    if (words.not_rule) return { kind: 'not', rule: read(words.not_rule, [...path, 'not_rule']) };
    const { destination_ip: ip, destination_port: port, destination_port_range: ports } = words;
    if (ip) return this.#readRange('reached', ip, [...path, 'destination_ip']);
    if (port !== undefined) return this.#readPorts(port, port, [...path, 'destination_port']);
    if (ports) return this.#readPortRange(ports, [...path, 'destination_port_range']);
    if (words.requested_server_name) return this.#readServerName(words, [...path, 'requested_server_name']);
    return this.#readCommon(words, path);
  }

  readPrincipal(words: PrincipalMessage, path: Path): ScreenRule {
    const { reading, isOfConnections } = this.#context;
    assertOne(path, words, principalKinds, reading);
    const read = (rule: PrincipalMessage, at: Path) => this.readPrincipal(rule, at);
    const { and_ids: all, or_ids: some } = words;
    if (all) return join('all', all.ids, [...path, 'and_ids', 'ids'], read);
    if (some) return join('some', some.ids, [...path, 'or_ids', 'ids'], read);
    if (words.not_id) return { kind: 'not', rule: read(words.not_id, [...path, 'not_id']) };
    if (words.authenticated) return this.#readIdentity(words.authenticated, [...path, 'authenticated']);
    const { source_ip: source, direct_remote_ip: direct, remote_ip: remote } = words;
    if (source) return this.#readRange('client', source, [...path, 'source_ip']);
    if (direct) return this.#readDirect(direct, [...path, 'direct_remote_ip']);
    if (!remote) return this.#readCommon(words, path);
    const at = [...path, 'remote_ip'];
    if (!isOfConnections) {
      reading.add(
        at,
        'remote_ip is what a client writes into x-forwarded-for, which tunl does not read',
        'write direct_remote_ip, the address that connects',
      );
    }
    return this.#readRange('client', remote, at);
  }

  #readCommon({ header, url_path: urlPath }: PermissionMessage | PrincipalMessage, path: Path): ScreenRule {
    const { reading, isOfConnections } = this.#context;
    if (header) {
      const at = [...path, 'header'];
      const field = readField(header, at, reading);
      if (isOfConnections) {
        reading.add(
          at,
          'a filter of connections sees no header, in Envoy either',
          'write it into the HTTP filter rbac',
        );
      } else if (changesFirst(field.name)) {
        const message = `Envoy changes ${quote(field.name)} before it judges, and tunl does not`;
        reading.add([...at, 'name'], message, 'judge by another field');
      }
      return { kind: 'field', field };
    }
    if (!urlPath) return { kind: 'any' };
    const text = readString(urlPath.path, [...path, 'url_path', 'path'], reading);
    return text ? { kind: 'path', text } : never;
  }

  #readDirect(words: RangeMessage, path: Path): ScreenRule {
    const { reading, isTold } = this.#context;
    if (isTold) {
      const message = 'direct_remote_ip is who sent the PROXY header, and tunl judges the client that it tells';
      reading.add(path, message, 'write source_ip, and keep others from the listener by a firewall');
    }
    return this.#readRange('client', words, path);
  }

  #readRange(kind: 'reached' | 'client', words: RangeMessage, path: Path): ScreenRule {
    const { reading } = this.#context;
    this.#assertPlace(path);
    const { address_prefix: address, prefix_len: length = 0 } = words;
    const bytes = toBytes(address);
    if (!bytes) {
      reading.add([...path, 'address_prefix'], `${quote(address)} is not an IP address`);
      return never;
    }
    if (address.includes(':') && bytes.length === 4) {
      const message = `${quote(address)} is an IPv4 address for tunl, and none for Envoy`;
      reading.add([...path, 'address_prefix'], message, `write ${bytes.join('.')}`);
    }
    const prefix = Math.min(length, bytes.length * 8);
    return { kind, range: formatRange({ bytes, prefix }) };
  }

  #readPortRange({ start = 0, end = 0 }: PortRangeMessage, path: Path): ScreenRule {
    if (start >= end) {
      this.#context.reading.add(path, 'start must be below end, which is the first port after the range');
    }
    return this.#readPorts(start, end - 1, path);
  }

  #readPorts(first: number, last: number, path: Path): ScreenRule {
    this.#assertPlace(path);
    return { kind: 'port', first, last };
  }

  /** Refuses rules by address where Envoy has no IP addresses. */
  #assertPlace(path: Path): void {
    const { isInternal, reading } = this.#context;
    if (!isInternal) return;
    const message =
      'connections to an internal listener have no IP addresses in Envoy, and those of the client in tunl';
    reading.add(path, message, 'write the filter into the listener that clients connect to');
  }

  #readIdentity({ principal_name: name }: NonNullable<PrincipalMessage['authenticated']>, path: Path): ScreenRule {
    const { reading, isInternal, hasTls } = this.#context;
    if (isInternal && !hasTls) {
      const message = 'connections to an internal listener without TLS have no certificate in Envoy';
      reading.add(path, message, 'write the filter into the listener that clients connect to');
    }
    if (!name) return { kind: 'identity' };
    const text = readString(name, [...path, 'principal_name'], reading);
    return text ? { kind: 'identity', text } : never;
  }

  #readServerName({ requested_server_name: words = {} }: PermissionMessage, path: Path): ScreenRule {
    const { reading, hasTls, seesServerName } = this.#context;
    if (hasTls !== seesServerName) {
      reading.add(
        path,
        hasTls
          ? 'without tls_inspector Envoy knows no server name here'
          : 'tunl knows the server name only where it speaks TLS with the client',
        hasTls ? 'add a tls_inspector to listener_filters' : 'add a DownstreamTlsContext',
      );
    }
    const text = readString(words, path, reading);
    return text ? { kind: 'server-name', text } : never;
  }
}

/** Reads rules that are joined in one list. */
function join<T>(
  kind: 'all' | 'some',
  rules: readonly T[],
  path: Path,
  read: (rule: T, at: Path) => ScreenRule,
): ScreenRule {
  return { kind, rules: rules.map((rule, index) => read(rule, [...path, index])) };
}
