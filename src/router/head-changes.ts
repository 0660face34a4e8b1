import type { Exchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import type { FieldChange, FieldChanges } from '../syntax/format/field-changes.ts';
import type { FormatFacts } from '../syntax/format/format.ts';
import { type ChangeFields, createChangeFields } from './change-fields.ts';
import { completeRequestFields } from './request-fields.ts';
import type { Head } from './rewrite.ts';

/** The facts about an answer that operators in its fields may write. */
export interface AnswerFacts {
  /** Its status; 0 for one that is not that of the upstream. */
  readonly status: number;
  /** The address of the upstream that gave it. */
  readonly upstream?: string | undefined;
}

/** Makes the fields of an answer for the client from those that it has. */
export type ChangeAnswer = (fields: readonly HeaderField[], facts: AnswerFacts) => HeaderField[];

/** A request whose fields are changed, with the changer for its answer. */
export interface ChangedExchange {
  /** Changes the fields of the request, for an upstream with this name and this limit of the route. */
  readonly changeRequest?: (terms: { readonly cluster: string; readonly timeoutMs: number }) => Head;
  readonly changeAnswer?: ChangeAnswer;
}

/** Makes the changer for requests with one route. Returns undefined if nothing changes. */
export type ChangeExchange = (exchange: Exchange) => ChangedExchange;

/**
 * Makes the changer for the requests of one route, and for their answers.
 * @param levels the changes of the route, its host and its stage, in the order in which they are made
 * @throws {TunlError} usage, if a value is not valid
 */
export function createChangeExchange(levels: readonly (FieldChanges | undefined)[]): ChangeExchange | undefined {
  const request = compile(levels, 'request');
  const response = compile(levels, 'response');
  if (!request && !response) return undefined;
  return (exchange) => {
    const began = Date.now();
    let head: Head = exchange;
    let cluster: string | undefined;
    const describe = (): FormatFacts => ({
      began,
      origin: describeOrigin(exchange, head),
      ...(cluster !== undefined && { cluster }),
    });
    return {
      ...(request && {
        changeRequest: (terms) => {
          ({ cluster } = terms);
          head = { ...pickHead(exchange), headers: completeRequestFields(exchange, terms.timeoutMs) };
          const headers = request(head.headers, (kept) => {
            head = { ...head, headers: kept };
            return describe();
          });
          head = { ...head, headers, isComplete: true };
          return head;
        },
      }),
      ...(response && {
        changeAnswer: (fields, { status, upstream }) =>
          response(fields, (kept) => ({
            ...describe(),
            status,
            answer: firstOfEach(kept),
            ...(upstream !== undefined && { upstream }),
          })),
      }),
    };
  };
}

function compile(levels: readonly (FieldChanges | undefined)[], of: keyof FieldChanges): ChangeFields | undefined {
  const changes = levels.flatMap((level): FieldChange[] => (level?.[of] ? [level[of]] : []));
  return changes.length === 0 ? undefined : createChangeFields(changes, of);
}

function pickHead({ method, target, authority, headers }: Head): Head {
  return { method, target, authority, headers };
}

function describeOrigin({ peer, version }: Exchange, { method, target, authority, headers }: Head) {
  return {
    peer,
    // A stage may have cut the port off the authority.
    request: { method, target: method === 'CONNECT' ? authority : target, authority, version },
    headers: firstOfEach([['host', authority], ...headers]),
  };
}

/** Keeps the first of several fields with one name: operators write no other. */
function firstOfEach(fields: readonly HeaderField[]): HeaderField[] {
  const seen = new Set<string>();
  return fields.filter(([name]) => !seen.has(name) && seen.add(name));
}
