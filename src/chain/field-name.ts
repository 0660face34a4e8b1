/** The pseudo-fields that count as fields of a request. */
const pseudoFields: ReadonlySet<string> = new Set([':authority', ':method', ':path', ':scheme']);

/** True for the name of a field (RFC 9110, section 5.1) in lower case, or of a pseudo-field. */
export function isFieldName(name: string): boolean {
  return pseudoFields.has(name) || /^[!#$%&'*+.^_`|~\da-z-]+$/.test(name);
}
