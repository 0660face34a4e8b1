/** Names of stages and of what is in them, made of names that may be any text. */
export class StageNames {
  readonly #given = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** The name for one of Envoy, the same each time. */
  give(own: string, kind: string): string {
    const known = this.#given.get(own);
    if (known !== undefined) return known;
    const name = this.make(own, kind);
    this.#given.set(own, name);
    return name;
  }

  /**
   * A new name like one of Envoy: letters, digits, `_`, `-` and single dots, and no two alike. `kind` is what it is where
   * there is none, or nothing of it can stay.
   */
  make(own: string | undefined, kind: string): string {
    const safe = (own ?? '')
      .replaceAll(/[^\w.-]+/g, '-')
      .replaceAll(/\.{2,}/g, '.')
      .replaceAll(/^[.-]+|[.-]+$/g, '');
    const name = this.#findFree(safe === '' ? kind : safe);
    this.#taken.add(name);
    return name;
  }

  #findFree(base: string): string {
    if (!this.#taken.has(base)) return base;
    let number = 2;
    while (this.#taken.has(`${base}-${number}`)) number += 1;
    return `${base}-${number}`;
  }
}
