import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';
import type { Fault, Path } from './document.ts';
import { type Issue, listKeys } from './schema.ts';

/** The facts about a kind of file that messages need. */
export interface FileKind {
  /** Lists the keys that exist at a position. */
  readonly listKeys: (path: Path) => readonly string[];
  /** Says what has a name at a position: `stage`. */
  readonly describeNamed: (path: Path) => string;
}

const chainFile: FileKind = { listKeys, describeNamed: () => 'stage' };

/** Turns the issues that the schema found in a file into faults with explanations and positions. */
export function explainIssues(issues: readonly Issue[], kind: FileKind = chainFile, base: Path = []): Fault[] {
  return issues.flatMap((issue) => explainIssue(issue, kind, [...base, ...(issue.path as Path)]));
}

function explainIssue(issue: Issue, kind: FileKind, path: Path): Fault[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => explainKey(key, kind, path));
    case 'invalid_union': {
      const [nearest, ...others] = issue.errors.filter((errors) =>
        errors.every(({ path: { length } }) => length > 0 || isAboutKeys(errors)),
      );
      // If only one form fits the value as a whole, the fault lies within it.
      if (nearest && others.length === 0) return explainIssues(nearest as Issue[], kind, path);
      return [explainValue(issue, path)];
    }
    case 'invalid_key':
      return [
        {
          path,
          atKey: true,
          message: `${quote(String(path.at(-1)))} cannot be the name of a ${kind.describeNamed(path)}`,
          hints: ['a name has letters, digits, _, - and single dots'],
        },
      ];
    default:
      return [explainValue(issue, path)];
  }
}

function isAboutKeys(errors: readonly { readonly code?: string | undefined }[]): boolean {
  return errors.some(({ code }) => code === 'unrecognized_keys');
}

function explainKey(key: string, kind: FileKind, path: Path): Fault {
  const known = kind.listKeys(path);
  const near = suggest(key, known);
  const hints = near === undefined ? [`known keys: ${known.join(' ')}`] : [`did you mean ${near}?`];
  if (key === '<<') hints.push('aliases are supported, merge keys are not');
  return { path: [...path, key], atKey: true, message: `unknown key ${quote(key)}`, hints };
}

function explainValue(issue: Issue, path: Path): Fault {
  const { message } = issue;
  const key = path.findLast((step) => typeof step === 'string');
  const hints: unknown = issue.code === 'custom' ? issue.params?.['hints'] : undefined;
  return {
    path,
    message: key === undefined ? `this ${message}` : `${key} ${message}`,
    ...(Array.isArray(hints) && { hints: hints.map(String) }),
  };
}
