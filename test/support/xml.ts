/** An element of a drawing. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Record<string, string>;
}

/** Reads XML without comments and declarations. @throws {Error} where it is not well-formed */
export function readXml(text: string): XmlElement[] {
  const open: string[] = [];
  const elements: XmlElement[] = [];
  const rest = text.trim().replaceAll(/<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>|[^<>]+/gi, (piece, ...groups) => {
    const [end, name, attributes, empty] = groups as (string | undefined)[];
    if (/&(?!(?:#\d+|amp|lt|gt|quot|apos);)/.test(piece)) throw new Error(`a bare & in ${piece}`);
    if (name === undefined) return '';
    if (end === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> ends something else`);
      return '';
    }
    if (empty !== '/') open.push(name);
    const pairs = [...(attributes ?? '').matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(([, key = '', value]) => [key, value]);
    elements.push({ name, attributes: Object.fromEntries(pairs) as Record<string, string> });
    return '';
  });
  if (rest !== '' || open.length > 0) throw new Error(`not well-formed: ${rest}${open.join()}`);
  return elements;
}
