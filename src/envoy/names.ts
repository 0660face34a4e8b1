/** Makes unique names of stages and their parts from Envoy's names, which may be any text. */
export class StageNames {
  readonly #given = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** Returns the name for one of Envoy's names, the same one each time. */
  give(own: string, kind: string): string {
    const known = this.#given.get(own);
    if (known !== undefined) return known;
    const name = this.make(own, kind);
    this.#given.set(own, name);
    return name;
  }

  /**
   * Makes a new, unique name from one of Envoy's, with only letters, digits, `_`, `-` and single dots.
   * @param kind the name to use instead, if Envoy has no name or none of its characters can stay
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
