/**
 * Matches a whole text with a pattern of the shell, in which `*` stands for any characters and `?` for one. The time is
 * at most proportional to the product of both lengths: a pattern from a PAC file must not become a regular expression.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let [at, next] = [0, 0];
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === '*') {
      star = next++;
      resume = at;
    } else if (wanted === '?' || wanted === text[at]) {
      at++;
      next++;
    } else if (star >= 0) {
      // The last star takes one character more, and everything behind it is tried again.
      next = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[next] === '*') next++;
  return next === pattern.length;
}
