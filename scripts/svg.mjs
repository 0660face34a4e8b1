/**
 * A coordinate, to a tenth.
 *
 * @param {number} value
 */
export function round(value) {
  return Math.round(value * 10) / 10;
}

/**
 * A text as it stands between tags and in attributes.
 *
 * @param {string} text
 */
export function escape(text) {
  return text.replaceAll(/[<>&"]/g, (character) => `&#${character.codePointAt(0)};`);
}
