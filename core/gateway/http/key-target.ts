/**
 * Which key a request names: read from the target as it stands in the request line. What URL classes make of it would be
 * another key, because they tidy up `a/../b` and backslashes; a key is any bytes, slashes and dots among them. Pure.
 */
import { CoterieError } from '../../base/errors.ts';

export interface KeyTarget {
  readonly keyspace: string;
  readonly key: Buffer;
}

export const keyBytesMax = 64 * 1024;
const prefix = '/kv/';

/** The target's path without its query; that of an absolute address, as proxies send it, without scheme and host. */
export function pathOfTarget(target: string): string {
  const [path] = target.split('?', 1);
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(path);
  return origin === null ? path : path.slice(origin[0].length);
}

export function isKeyPath(path: string): boolean {
  return path.startsWith(prefix) || path === prefix.slice(0, -1);
}

/** Throws `bad-input` for a path that names no key, and `too-large`. */
export function keyTargetOf(path: string): KeyTarget {
  const rest = isKeyPath(path) ? path.slice(prefix.length) : '';
  const slash = rest.indexOf('/');
  const keyspace = bytesOf(slash < 0 ? '' : rest.slice(0, slash)).toString('utf8');
  const key = bytesOf(slash < 0 ? '' : rest.slice(slash + 1));
  if (keyspace === '' || key.length === 0) {
    throw new CoterieError('bad-input', 'The path names no key: /kv/{keyspace}/{key}.');
  }
  if (key.length > keyBytesMax) throw new CoterieError('too-large', 'A key has at most 65,536 bytes.');
  return { keyspace, key };
}

/** Percent-encoding is undone byte by byte, not as text. */
function bytesOf(encoded: string): Buffer {
  const bytes: number[] = [];
  for (let index = 0; index < encoded.length; index++) {
    const code = encoded.charCodeAt(index);
    if (code !== 0x25) {
      bytes.push(code);
      continue;
    }
    const hex = encoded.slice(index + 1, index + 3);
    if (!/^[0-9a-f]{2}$/i.test(hex)) {
      throw new CoterieError('bad-input', 'The key’s percent-encoding is broken.');
    }
    bytes.push(Number.parseInt(hex, 16));
    index += 2;
  }
  return Buffer.from(bytes);
}
