/** An element of a document, with what is in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: readonly (XmlElement | string)[];
}

/**
 * Parses a document of elements, attributes, text and the five entities of XML; there is no reason for a picture to have
 * anything else.
 * @throws SyntaxError at the first thing that XML 1.0 forbids, or this parser does not know.
 */
export function parseXml(source: string): XmlElement {
  let at = 0;
  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at ${at}: ${JSON.stringify(source.slice(at, at + 40))}`);
  };
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const sticky = new RegExp(pattern, 'uy');
    sticky.lastIndex = at;
    const found = sticky.exec(source) ?? undefined;
    if (found) at += found[0].length;
    return found;
  };
  const readable = (raw: string): string =>
    raw.replace(/&([^;&]*;?)/g, (_, entity: string) => ENTITIES[entity] ?? fail(`the entity &${entity}`));

  const element = (): XmlElement => {
    const name = take(/<([a-z]+)/)?.[1] ?? fail('no element');
    const attributes: Record<string, string> = {};
    for (let found = take(ATTRIBUTE); found; found = take(ATTRIBUTE)) {
      const [, key = '', value = ''] = found;
      if (Object.hasOwn(attributes, key)) fail(`a second ${key}`);
      attributes[key] = readable(value);
    }
    const content: (XmlElement | string)[] = [];
    if (take(/\/>/)) return { name, attributes, content };
    if (!take(/>/)) fail(`no end of <${name}`);
    while (!source.startsWith('</', at)) {
      const text = take(/[^<]+/);
      content.push(text ? readable(text[0]) : element());
    }
    if (take(/<\/([a-z]+)>/)?.[1] !== name) fail(`no </${name}>`);
    return { name, attributes, content };
  };

  if (FORBIDDEN.test(source)) fail('a character that is none of XML');
  const root = element();
  if (source.slice(at).trim() !== '') fail('something after the document');
  return root;
}

/** Every element of that name, in the order of the document. */
export function allOf(root: XmlElement, name: string): XmlElement[] {
  const inside = root.content.flatMap((part) => (typeof part === 'string' ? [] : allOf(part, name)));
  return root.name === name ? [root, ...inside] : inside;
}

/** The text in an element and in what it holds. */
export function textIn({ content }: XmlElement): string {
  return content.map((part) => (typeof part === 'string' ? part : textIn(part))).join('');
}

const ATTRIBUTE = /\s+([A-Za-z][A-Za-z0-9-]*)="([^"<]*)"/;
/** XML 1.0 §2.2. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const ENTITIES: Readonly<Record<string, string>> = {
  'amp;': '&',
  'lt;': '<',
  'gt;': '>',
  'quot;': '"',
  '#39;': "'",
};
