import type { HeaderField } from '../../core/hop.ts';
import { DynamicTable } from './dynamic-table.ts';

/** The fields of one name: the number of each by its value, and the number of the newest. */
interface Namesakes {
  readonly byValue: Map<string, number>;
  newest: number;
}

/** A dynamic table that finds its fields, for the side that encodes. */
export class SearchableTable extends DynamicTable {
  readonly #byName = new Map<string, Namesakes>();

  /** Returns the position of a field; -1 if it is not in the table. */
  find(name: string, value: string): number {
    const number = this.#byName.get(name)?.byValue.get(value);
    return number === undefined ? -1 : this.added - 1 - number;
  }

  /** Returns the position of the newest field with a name; -1 if there is none. */
  findName(name: string): number {
    const namesakes = this.#byName.get(name);
    return namesakes === undefined ? -1 : this.added - 1 - namesakes.newest;
  }

  override add(field: HeaderField): void {
    const number = this.added;
    super.add(field);
    if (this.added === number) return;
    const namesakes = this.#byName.get(field[0]);
    if (namesakes === undefined) {
      this.#byName.set(field[0], { byValue: new Map([[field[1], number]]), newest: number });
    } else {
      namesakes.byValue.set(field[1], number);
      namesakes.newest = number;
    }
  }

  protected override onEvicted([name, value]: HeaderField, number: number): void {
    const namesakes = this.#byName.get(name);
    // The same field may be there twice; then the newer one stays.
    if (namesakes?.byValue.get(value) !== number) return;
    namesakes.byValue.delete(value);
    if (namesakes.byValue.size === 0) this.#byName.delete(name);
  }
}
