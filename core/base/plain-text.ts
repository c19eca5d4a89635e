/**
 * Text that came from outside, made fit to be shown. A terminal obeys control characters: a value or a name could clear the
 * screen, name the window or forge a line; characters that set the direction of writing make a text look like another. They
 * are shown by their numbers instead.
 */

/** C0, DEL and C1; marks, embeddings, overrides and isolates of direction; the separators of lines; what has no look at all. */
const steering =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

function escaped(character: string): string {
  return [...character].map((one) => `\\u{${one.codePointAt(0)!.toString(16)}}`).join('');
}

/** One line, with nothing in it that a terminal obeys. */
export function plainLine(text: string): string {
  return text.replace(steering, escaped);
}

/** The same for text of several lines: ends of lines and tabs stay. */
export function plainLines(text: string): string {
  return text.replace(steering, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

/** JSON that stays the same JSON, and can be shown on a terminal. */
export function plainJson(json: string): string {
  return json.replace(steering, (characters) =>
    // By unit, not by character: JSON writes one of the upper planes as two.
    characters.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

export function isPlainLine(text: string): boolean {
  return plainLine(text) === text;
}
