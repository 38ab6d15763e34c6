import type { ErrorCode, LineCounter, YAMLError } from 'yaml';
import type { Fault } from '../model/fault.ts';

/** A YAML error in words of our own: the library's message may quote the file. */
export function syntaxFault({ code, pos }: YAMLError, lines: LineCounter): Fault {
  const { line, col } = lines.linePos(pos[0]);
  return { path: `line ${line}, column ${col}`, message: MESSAGE[code] };
}

const MESSAGE: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias cannot have a tag or an anchor',
  BAD_ALIAS: 'this alias is not valid',
  BAD_COLLECTION_TYPE: 'the tag does not fit this list or mapping',
  BAD_DIRECTIVE: 'this % directive is not valid',
  BAD_DQ_ESCAPE: 'this escape is not valid in double quotes',
  BAD_INDENT: 'the indentation does not fit, or a bracket is not closed',
  BAD_PROP_ORDER: 'an anchor or tag stands in the wrong place',
  BAD_SCALAR_START: 'a value cannot start with this character; quote it',
  BLOCK_AS_IMPLICIT_KEY: 'a nested mapping cannot stand on this line',
  BLOCK_IN_FLOW: 'a block cannot stand inside { } or [ ]',
  DUPLICATE_KEY: 'this key appears twice',
  IMPOSSIBLE: 'this is not YAML',
  KEY_OVER_1024_CHARS: 'this key is too long, or a line is missing its colon',
  MISSING_CHAR: 'a character is missing: a space, comma, colon, quote or bracket',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is a colon missing?',
  MULTIPLE_ANCHORS: 'a value can have one anchor only',
  MULTIPLE_DOCS: 'the file must hold one document only',
  MULTIPLE_TAGS: 'a value can have one tag only',
  NON_STRING_KEY: 'a key must be a string',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  TAG_RESOLVE_FAILED: 'this tag is not known',
  UNEXPECTED_TOKEN: 'not expected here; inside { } and [ ] a variable reference must be quoted',
};
