import type { TlsSettings } from '../../core/hop.ts';
import { isSecretField } from '../../core/secret.ts';
import { type FieldValue, listValues } from '../../syntax/format/field-changes.ts';
import type { Graph, HttpStage } from '../model/graph.ts';
import type { SecretSources } from './secrets.ts';

/** Lists the values that a stage, its hosts and its routes write into fields. */
function listChanged({
  changes,
  hosts,
  answers,
}: Pick<HttpStage<unknown>, 'changes' | 'hosts' | 'answers'>): readonly FieldValue[] {
  const levels = [changes, ...hosts.flatMap((host) => [host.changes, ...host.routes.map((route) => route.changes)])];
  const own = answers?.changes.map(({ fields }) => fields && { response: fields }) ?? [];
  return [...levels, ...own].flatMap((level) => (level ? listValues(level) : []));
}

/** Gives each secret of a graph a name, in the order of the routes and stages. */
export class SecretNames {
  readonly #names = new Map<object, string>();
  /** Names of variables that did not come from a file. */
  readonly invented: string[] = [];

  constructor({ stages, routes }: Graph, sources: SecretSources) {
    const hops = [...routes.values()].flatMap((route) => route.hops.flat());
    const users = stages.flatMap((stage) =>
      stage.job !== 'forward' && stage.users?.single ? [stage.users.single] : [],
    );
    const values = stages.flatMap((stage) => (stage.job === 'http' ? listChanged(stage) : []));
    const passwords = hops.flatMap(({ credentials }) => credentials?.password ?? []);
    // A field with operators is printed as it is, unless it came from a reference or has a secret name.
    const formats = hops
      .flatMap(({ formats: fields = [] }) => fields)
      .filter((field) => sources.has(field) || isSecretField(field[0]));
    const changed = values.filter(
      (value) => sources.has(value) || isSecretField(value.name) || value.value.startsWith('file:'),
    );
    for (const password of passwords) if (password.reveal() === '') this.#names.set(password, '');
    const upstreams = stages.flatMap((stage) => (stage.job === 'http' ? stage.upstreams : []));
    const targets = stages.flatMap((stage) => (stage.job === 'forward' ? { tls: stage.targetTls } : []));
    const keys = [...hops, ...stages, ...upstreams, ...targets].flatMap(({ tls }) => tls?.keyPassword ?? []);
    this.#invent('TUNL_PROXY_PASSWORD', passwords, sources);
    this.#invent(
      'TUNL_KEY_PASSWORD',
      keys.filter(({ isGiven }) => isGiven),
      sources,
    );
    this.#invent('TUNL_PROXY_HEADER', [...hops.flatMap(({ headers }) => headers), ...formats, ...changed], sources);
    this.#invent('TUNL_SERVE_PASSWORD', users, sources);
  }

  /** Finds the written form of a secret; undefined if the object holds none. */
  find(holder: object): string | undefined {
    return this.#names.get(holder);
  }

  /** Returns the written form of a secret. */
  of(holder: object): string {
    return this.find(holder) ?? '‹redacted›';
  }

  /** Returns the written form of a key's password, if it has one. */
  ofKey({ keyPasswordFile, keyPassword }: Pick<TlsSettings, 'keyPasswordFile' | 'keyPassword'>): {
    readonly 'key-password'?: string;
  } {
    const text = keyPasswordFile === undefined ? keyPassword && this.find(keyPassword) : `file:${keyPasswordFile}`;
    return text === undefined ? {} : { 'key-password': text };
  }

  #invent(name: string, holders: readonly object[], sources: SecretSources): void {
    const unnamed = [...new Set(holders)].filter((holder) => !sources.has(holder) && !this.#names.has(holder));
    for (const holder of holders) this.#names.set(holder, sources.get(holder) ?? '');
    for (const [index, holder] of unnamed.entries()) {
      const variable = unnamed.length === 1 ? name : `${name}_${index + 1}`;
      this.#names.set(holder, `\${${variable}}`);
      this.invented.push(variable);
    }
  }
}
