import { usageError } from '../../core/errors.ts';
import { isSecretField } from '../../core/secret.ts';
import { hasControl, isToken, quote } from '../text.ts';
import { type Format, listOperators, parseFormat } from './format.ts';

/** A field that is written into a message. */
export interface FieldValue {
  /** In lower case. */
  readonly name: string;
  /** A text with operators such as `%REQ(X-A)%`. */
  readonly value: string;
  /** True to write the field even if its value turns out to be empty. */
  readonly keepEmpty?: true;
}

/**
 * A change to the fields of a message. First fields are removed; all values are made from the message as it is then; then
 * fields are set, and at last added.
 */
export interface FieldChange {
  /** The names of fields, in lower case. */
  readonly remove?: readonly string[];
  /** Fields that take the place of those with their name. */
  readonly set?: readonly FieldValue[];
  /** The same, but only where the message has a field with the name. */
  readonly setPresent?: readonly FieldValue[];
  /** Fields that stand beside those with their name. */
  readonly add?: readonly FieldValue[];
  /** Fields for messages that have none with their name. */
  readonly addAbsent?: readonly FieldValue[];
}

/** What a stage, a host or a route changes in the fields of requests before they go on, and of answers. */
export interface FieldChanges {
  readonly request?: FieldChange;
  readonly response?: FieldChange;
}

/** The lists of a change that hold values, in the order in which they are written. */
export const valueLists = ['set', 'setPresent', 'add', 'addAbsent'] as const;

/** Lists all values of some changes. */
export function listValues({ request, response }: FieldChanges): readonly FieldValue[] {
  return [request, response].flatMap((change) => valueLists.flatMap((list) => change?.[list] ?? []));
}

/** The message that a change is for. */
export type Changed = keyof FieldChanges;

/** Fields about the length, the host or the connection of a message, which are written for each connection anew. */
const fixed: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Checks that a field may be changed.
 * @throws {TunlError} usage
 */
export function assertChangeable(name: string): void {
  if (fixed.has(name.toLowerCase()) || name.startsWith(':')) {
    throw usageError(
      `${quote(name)} cannot be changed: tunl writes it for each connection anew`,
      'leave it out; a route can write another host or path',
    );
  }
  if (!isToken(name)) throw usageError(`${quote(name)} is not the name of a field`);
}

/** The operators whose values are known when the fields of a request are changed. */
const knownEarly: ReadonlySet<string> = new Set([
  'DOWNSTREAM_DIRECT_LOCAL_ADDRESS',
  'DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_DIRECT_LOCAL_PORT',
  'DOWNSTREAM_DIRECT_REMOTE_ADDRESS',
  'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_DIRECT_REMOTE_PORT',
  'DOWNSTREAM_LOCAL_ADDRESS',
  'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_LOCAL_PORT',
  'DOWNSTREAM_PEER_SUBJECT',
  'DOWNSTREAM_REMOTE_ADDRESS',
  'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_REMOTE_PORT',
  'DOWNSTREAM_TLS_CIPHER',
  'DOWNSTREAM_TLS_VERSION',
  'ENVIRONMENT',
  'HOSTNAME',
  'PROTOCOL',
  'REQ',
  'START_TIME',
  'UPSTREAM_CLUSTER',
]);

/** Those that an answer adds. */
const knownLate: ReadonlySet<string> = new Set(['RESP', 'RESPONSE_CODE', 'UPSTREAM_HOST', 'UPSTREAM_REMOTE_ADDRESS']);

/**
 * Reads the value of a field that is written into a message. Messages do not repeat the value.
 * @throws {TunlError} usage, also for an operator whose value is not known then
 */
export function parseFieldValue(text: string, of: Changed): Format {
  if (hasControl(text)) throw usageError('the value holds a control character');
  const format = parseFormat(text);
  for (const { name, args = '' } of listOperators(text)) {
    const isKnown = knownEarly.has(name) || (of === 'response' && knownLate.has(name));
    if (!isKnown) {
      const early = 'REQ PROTOCOL START_TIME HOSTNAME ENVIRONMENT UPSTREAM_CLUSTER';
      const late = of === 'response' ? ` ${[...knownLate].join(' ')}` : '';
      throw usageError(
        `%${name}% has no value in a ${of} that goes on`,
        `there are ${early}${late}, and addresses, ports and TLS of DOWNSTREAM_`,
      );
    }
    const secret = args.split('?').find((field) => isSecretField(field) || /^set-cookie$/i.test(field));
    if ((name === 'REQ' || name === 'RESP') && secret !== undefined) {
      throw usageError(`%${name}(${secret})% would copy credentials, and operators do not`, 'write the value');
    }
  }
  return format;
}
