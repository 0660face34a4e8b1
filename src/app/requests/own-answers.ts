import { readFile } from 'node:fs/promises';
import type { AnswerChange, BodyForm, OwnAnswers } from '../../chain/model/own-answers.ts';
import { messageOf, statusOf, usageError } from '../../core/errors.ts';
import type { TunnelExchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { AnswerFault } from '../../http/h1/refuse-head.ts';
import { fieldValues } from '../../http/wire/message.ts';
import { formatProxyStatus, publicReason } from '../../http/wire/proxy-status.ts';
import { type ChangeFields, createChangeFields } from '../../router/change-fields.ts';
import { type FormatFacts, parseFormat, writeObject, writeText } from '../../syntax/format/format.ts';
import { passesFilter } from '../tunnel/log-filter.ts';
import { isGrpc, toGrpcAnswer } from './grpc.ts';
import type { OwnAnswer } from './reason.ts';

/** An answer that a stage gives itself, before anything is changed in it. */
export interface GivenAnswer extends OwnAnswer {
  /** What `%LOCAL_REPLY_BODY%` writes. */
  readonly text: string;
  /** The field that names the type of the body, which goes with this body alone. */
  readonly type: readonly HeaderField[];
  /** The form that the route of the request wants. */
  readonly form?: BodyForm | undefined;
}

/**
 * Makes an answer of a stage from the given one, as Envoy does.
 * @param describe the facts for conditions and operators; the status and the fields are those of the answer
 */
export type MakeOwnAnswer = (
  request: Pick<TunnelExchange, 'method' | 'headers'> | undefined,
  given: GivenAnswer,
  describe: () => FormatFacts,
) => OwnAnswer;

/** A text with the type that goes with it. */
interface Written {
  readonly text: string;
  /** Absent for plain text. */
  readonly type?: string | undefined;
}

type WriteBody = (facts: FormatFacts) => Written;

interface ReadyChange extends Pick<AnswerChange, 'when' | 'status'> {
  readonly body: string | undefined;
  readonly changeFields: ChangeFields | undefined;
  readonly write: WriteBody | undefined;
}

const plainType = 'text/plain; charset=utf-8';

/**
 * Makes the function that makes the answers of a stage. First the route of a request writes its body; then the first
 * change that fits is made; at last the form of the change, or that of all answers, is written.
 * @throws {TunlError} usage, if a file cannot be read, or a format is not valid
 */
export async function createOwnAnswers(answers: OwnAnswers | undefined): Promise<MakeOwnAnswer> {
  const changes = await Promise.all((answers?.changes ?? []).map(prepare));
  const usual = answers?.form && createWrite(answers.form);
  const ofRoutes = new WeakMap<BodyForm, WriteBody>();
  const writeOf = (form: BodyForm): WriteBody => {
    const write = ofRoutes.get(form) ?? createWrite(form);
    ofRoutes.set(form, write);
    return write;
  };
  const isChanged = changes.length > 0 || usual !== undefined;
  return (request, given, describe) => {
    const asksGrpc = request !== undefined && isGrpc(request.headers);
    if (!isChanged && !given.form && !asksGrpc) return toPlainAnswer(given);
    const facts = describe();
    const base = given.form ? writeRouted(given, writeOf(given.form), facts) : given;
    const made = isChanged ? change(base, changes, usual, facts) : toPlainAnswer(base);
    const isHead = request?.method === 'HEAD';
    return asksGrpc ? toGrpcAnswer(made, made.body === given.body ? base.text : made.body, isHead) : made;
  };
}

/** Makes the function that answers what cannot be read as a request, and has no facts but its client. */
export function createAnswerFault(makeAnswer: MakeOwnAnswer): AnswerFault {
  return (failure, peer) => {
    const body = publicReason(failure);
    const own = { status: statusOf(failure), fields: [formatProxyStatus(failure)], body };
    const describe = () => ({ origin: { peer }, began: Date.now(), ms: 0, details: 'http1.codec_error' });
    return makeAnswer(undefined, { ...own, text: body.trimEnd(), type: [] }, describe);
  };
}

function toPlainAnswer({ status, fields, body, type }: GivenAnswer): OwnAnswer {
  return { status, fields: hasType(fields) ? fields : [...fields, ...type], body };
}

/** Writes the body of a route's answer in the form that the route wants. A type of that form holds, whatever fields the route adds. */
function writeRouted(given: GivenAnswer, write: WriteBody, facts: FormatFacts): GivenAnswer {
  const { fields, body } = given;
  // As in Envoy, there is neither a status nor a field yet.
  const { text, type } = write({ ...facts, status: 0, body });
  const written = { ...given, body: text, text, type: [['content-type', plainType]] as const };
  if (text === '') return { ...written, fields: withoutType(fields), type: [] };
  return type === undefined ? written : { ...written, fields: [...withoutType(fields), ['content-type', type]] };
}

function change(
  given: GivenAnswer,
  changes: readonly ReadyChange[],
  usual: WriteBody | undefined,
  facts: FormatFacts,
): OwnAnswer {
  const began = given.fields.map(([name, value]) => [name.toLowerCase(), value] as const);
  const seen = { ...facts, status: given.status, answer: firstOfEach(began), body: given.text };
  const fit = changes.find(({ when }) => passesFilter(when, seen));
  const body = fit?.body ?? given.text;
  const fields = fit?.changeFields?.(began, (kept) => ({ ...seen, answer: firstOfEach(kept), body })) ?? began;
  const status = fit?.status ?? given.status;
  const write = fit?.write ?? usual;
  if (!write && fit?.body === undefined) return toPlainAnswer({ ...given, status, fields });
  const written = write?.({ ...facts, status, answer: firstOfEach(fields), body }) ?? { text: body };
  // A type that the change itself writes holds; any other one is that of the body as it was.
  const isOwnType = typeOf(fields) !== typeOf(began);
  const keepsType = hasType(fields) && (isOwnType || written.text === given.text);
  const rest = keepsType ? fields : [...withoutType(fields), ['content-type', written.type ?? plainType] as const];
  return { status, fields: written.text === '' ? withoutType(fields) : rest, body: written.text };
}

async function prepare({ when, status, body, bodyFile, form, fields }: AnswerChange): Promise<ReadyChange> {
  return {
    when,
    ...(status !== undefined && { status }),
    body: bodyFile === undefined ? body : await readBody(bodyFile),
    changeFields: fields && createChangeFields([fields], 'response'),
    write: form && createWrite(form),
  };
}

async function readBody(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw usageError(`the body of an answer cannot be read from ${file}: ${messageOf(error)}`).with({ file });
  }
}

function createWrite({ format, type, ...more }: BodyForm): WriteBody {
  const omits = more.omitMissing === true;
  if (typeof format === 'string') {
    const text = parseFormat(format);
    return (facts) => ({ text: writeText(text, facts, omits ? '' : '-'), type });
  }
  const members = Object.entries(format).map(([name, text]) => [name, parseFormat(text)] as const);
  return (facts) => ({ text: `${writeObject(members, facts, omits)}\n`, type: type ?? 'application/json' });
}

function typeOf(fields: readonly HeaderField[]): string {
  return fieldValues(fields, 'content-type').join(', ');
}

function hasType(fields: readonly HeaderField[]): boolean {
  return fields.some(([name]) => name.toLowerCase() === 'content-type');
}

function withoutType(fields: readonly HeaderField[]): HeaderField[] {
  return fields.filter(([name]) => name.toLowerCase() !== 'content-type');
}

/** Keeps the first of several fields with one name: operators write no other. */
function firstOfEach(fields: readonly HeaderField[]): HeaderField[] {
  const seen = new Set<string>();
  return fields.filter(([name]) => !seen.has(name) && seen.add(name));
}
