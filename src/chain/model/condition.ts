/** A text and how to compare with it. */
export type TextMatch = {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';
  /** For `regex` a pattern in RE2's syntax, which must fit the whole text. */
  readonly value: string;
};

/** A condition on one field of a request. The pseudo-fields `:method`, `:authority` and `:path` count as fields. */
export interface FieldMatch {
  /** The name of the field, in lower case. */
  readonly name: string;
  /** Absent if any value matches. */
  readonly value?: TextMatch;
  /** Match requests whose field does not meet the condition. */
  readonly invert?: boolean;
}
