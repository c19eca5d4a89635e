/** The media type that a value was written with over HTTP (RFC 9110, section 8.3), as it stands beside the value in a record. */
import { CoterieError } from './errors.ts';

/** What a value is that says nothing else; never kept. */
export const octets = 'application/octet-stream';
/** Bytes; its length stands in one. */
export const contentTypeBytesMax = 127;

const shape = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*;[ -~\t]*)?$/;

/** Undefined: it says nothing beyond bytes. Throws `bad-input` for what is none, or is too long. */
export function contentTypeOf(text: string): string | undefined {
  const found = text.trim();
  if (found === '' || found.toLowerCase() === octets) return undefined;
  if (found.length <= contentTypeBytesMax && shape.test(found)) return found;
  throw new CoterieError(
    'bad-input',
    `A content type is a type and a subtype, such as text/plain; charset=utf-8, in at most ${contentTypeBytesMax} characters.`,
  );
}
