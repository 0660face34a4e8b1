import { limitSettings } from '../../syntax/settings.ts';
import { suggest } from '../../syntax/suggest.ts';
import { listed, quote } from '../../syntax/text.ts';
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
  // A limit may be called as the command line calls it.
  const limit = limitSettings.find(({ flag }) => flag === key)?.key;
  const near = limit !== undefined && known.includes(limit) ? limit : suggest(key, known);
  const owners = near === undefined ? listOwners(key, kind) : [];
  const hints = [
    ...(near === undefined ? [] : [`did you mean ${near}?`]),
    ...(owners.length > 0 ? [`${key} belongs to ${listed(owners, 'or')}`] : []),
    `the keys here are ${known.join(', ')}`,
  ];
  if (key === '<<') hints.push('aliases are supported, merge keys are not');
  return { path: [...path, key], atKey: true, message: `unknown key ${quote(key)}`, hints };
}

/** The parts of a file, as sentences name them. */
const parts: readonly (readonly [name: string, path: Path])[] = [
  ['the file itself', []],
  ['admin', ['admin']],
  ['defaults', ['defaults']],
  ['a stage: stages: { NAME: … }', ['stages', 'a']],
  ['tls of a stage', ['stages', 'a', 'tls']],
  ['proxy of a stage', ['stages', 'a', 'proxy']],
  ['limits of a stage', ['stages', 'a', 'limits']],
  ['a proxy of via', ['stages', 'a', 'via', 0]],
  ['http of a stage', ['stages', 'a', 'http']],
  ['a route of http', ['stages', 'a', 'http', 'routes', 0]],
  ['an upstream of http', ['stages', 'a', 'http', 'upstreams', 'a']],
];

/** Finds the parts of a file that have a key. */
function listOwners(key: string, kind: FileKind): string[] {
  return parts.flatMap(([name, path]) => (kind.listKeys(path).includes(key) ? [name] : [])).slice(0, 3);
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
