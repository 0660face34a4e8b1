/** Finds the known word that was most likely meant, if one is similar enough. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  const limit = word.length < 4 ? 1 : 2;
  const near = known
    .map((candidate) => ({ candidate, distance: distanceOf(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((first, second) => first.distance - second.distance);
  return near[0]?.candidate;
}

/** Counts the edits between two words; swapping two neighbours is one edit (restricted Damerau distance). */
function distanceOf(word: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= word.length; row++) {
    const cells = [row];
    rows.push(cells);
    for (let column = 1; column <= other.length; column++) {
      const same = word[row - 1] === other[column - 1];
      const swapped = word[row - 1] === other[column - 2] && word[row - 2] === other[column - 1];
      cells[column] = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
        swapped ? at(row - 2, column - 2) + 1 : Infinity,
      );
    }
  }
  return at(word.length, other.length);
}
