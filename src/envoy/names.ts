/** Names of stages, made of names that may be any text. */
export class StageNames {
  readonly #given = new Map<string, string>();
  readonly #taken = new Set<string>();

  /**
   * The name of a stage for one of Envoy, the same each time: letters, digits, `_`, `-` and single dots, and no two
   * alike. `kind` is what it is called where it has none, or nothing of it can stay.
   */
  give(own: string | undefined, kind: string): string {
    const known = own === undefined ? undefined : this.#given.get(own);
    if (known !== undefined) return known;
    const safe = (own ?? '')
      .replaceAll(/[^\w.-]+/g, '-')
      .replaceAll(/\.{2,}/g, '.')
      .replaceAll(/^[.-]+|[.-]+$/g, '');
    const base = safe === '' ? kind : safe;
    const name = this.#findFree(base);
    this.#taken.add(name);
    if (own !== undefined) this.#given.set(own, name);
    return name;
  }

  #findFree(base: string): string {
    if (!this.#taken.has(base)) return base;
    let number = 2;
    while (this.#taken.has(`${base}-${number}`)) number += 1;
    return `${base}-${number}`;
  }
}
