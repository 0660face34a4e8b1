import type { FieldChange } from '../../syntax/format/field-changes.ts';
import type { LogFilter } from './log-filter.ts';

/** The form of a body: a text that is made for each answer. */
export interface BodyForm {
  /** A text with operators such as `%LOCAL_REPLY_BODY%`, or the members of a JSON object. */
  readonly format: string | Readonly<Record<string, string>>;
  /** The value of `Content-Type`. Default: plain text, or JSON. */
  readonly type?: string;
  /** Write nothing for an operator without a value, and no member that is such an operator alone. */
  readonly omitMissing?: true;
}

/** What is changed in an answer that a stage gives itself. */
export interface AnswerChange {
  /** What answers are changed, to which requests; a list of no conditions is for all. */
  readonly when: LogFilter;
  readonly status?: number;
  /** The new body. At most one of the two is there. */
  readonly body?: string;
  /** A file with the new body, which is read when the stage is prepared. */
  readonly bodyFile?: string;
  /** The form of the body, instead of that for all answers of the stage. */
  readonly form?: BodyForm;
  /** Fields that are written into the answer. */
  readonly fields?: Omit<FieldChange, 'remove'>;
}

/** What is changed in the answers that a stage gives itself: its refusals, and the answers of its routes. */
export interface OwnAnswers {
  /** The first that fits an answer is made; further ones are not. */
  readonly changes: readonly AnswerChange[];
  /** The form of all bodies. */
  readonly form?: BodyForm;
}
