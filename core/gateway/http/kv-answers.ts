/**
 * What a read of a key is answered with: the value or one range of it (RFC 9110, section 14), or siblings as 300, each with the content
 * type that it was written with. Redis clients see the value alone.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { octets } from '../../base/content-type.ts';
import { CoterieError } from '../../base/errors.ts';
import type { Random } from '../../ports/random.ts';
import type { RemoteRead } from '../../ports/remote-store.ts';
import { failure } from './failures.ts';

/** As the body of a Response, without another copy. */
function bytesOf(value: Buffer): Uint8Array<ArrayBuffer> {
  return value as Buffer<ArrayBuffer>;
}

type Range = { readonly first: number; readonly last: number };

/** Null: the whole value, as for several ranges, and for what is none. */
export function rangeOf(text: string | undefined, length: number): Range | 'unsatisfiable' | null {
  const [, from, to] = /^bytes=([0-9]*)-([0-9]*)$/i.exec(text?.trim() ?? '') ?? ['', '', ''];
  if (from === '' && to === '') return null;
  if (from === '') {
    const count = Math.min(Number(to), length);
    return count === 0 ? 'unsatisfiable' : { first: length - count, last: length - 1 };
  }
  const first = Number(from);
  if (to !== '' && Number(to) < first) return null;
  if (first >= length) return 'unsatisfiable';
  return { first, last: to === '' ? length - 1 : Math.min(Number(to), length - 1) };
}

/** What is stored is not the app's, also where it says that it is a page: it runs no script, and is of no origin. */
const harmless = {
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'X-Content-Type-Options': 'nosniff',
};

/** `headers`: of every answer for this key, its ETag among them. */
export function valueResponse(
  { method, headers: asked }: { readonly method: string; readonly headers: IncomingHttpHeaders },
  { value, contentType }: { readonly value: Buffer; readonly contentType: string },
  headers: Readonly<Record<string, string>> & { readonly ETag: string },
): Response {
  const own = { ...headers, ...harmless, 'Content-Type': contentType || octets, 'Accept-Ranges': 'bytes' };
  const ifRange = asked['if-range'];
  // A range is one of GET alone, and of the value that the client has begun with.
  const wantsRange = method === 'GET' && (ifRange === undefined || ifRange === headers.ETag);
  const range = wantsRange ? rangeOf(asked.range, value.length) : null;
  if (range === 'unsatisfiable') {
    const response = failure(
      new CoterieError('out-of-range', `The value has ${value.length} bytes; the range begins after them.`),
    );
    response.headers.set('Content-Range', `bytes */${value.length}`);
    return response;
  }
  if (range === null) {
    return new Response(bytesOf(value), { headers: { ...own, 'Content-Length': String(value.length) } });
  }
  const { first, last } = range;
  return new Response(bytesOf(value.subarray(first, last + 1)), {
    status: 206,
    headers: {
      ...own,
      'Content-Length': String(last + 1 - first),
      'Content-Range': `bytes ${first}-${last}/${value.length}`,
    },
  });
}

/** A line that is in none of the values: what follows it would be taken for another part. */
function boundaryFor(values: readonly Buffer[], random: Random): string {
  for (;;) {
    const boundary = `coterie-${Buffer.from(random.bytes(16)).toString('hex')}`;
    if (!values.some((value) => value.includes(boundary))) return boundary;
  }
}

/** As JSON, or in parts for whoever accepts those. */
export function siblingsResponse(
  accepted: string | undefined,
  { values, contentTypes, context }: RemoteRead,
  headers: Readonly<Record<string, string>>,
  random: Random,
): Response {
  const answer = (type: string, body: Buffer) =>
    new Response(bytesOf(body), {
      status: 300,
      headers: {
        ...headers,
        ...harmless,
        Vary: 'Accept',
        'Content-Type': type,
        'Content-Length': String(body.length),
      },
    });
  if (accepted?.includes('multipart/mixed')) {
    const boundary = boundaryFor(values, random);
    const parts = values.flatMap((value, index) => [
      Buffer.from(`--${boundary}\r\nContent-Type: ${contentTypes[index] || octets}\r\n\r\n`),
      value,
      Buffer.from('\r\n'),
    ]);
    const body = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
    return answer(`multipart/mixed; boundary=${boundary}`, body);
  }
  const siblings = values.map((value) => value.toString('base64'));
  const body = {
    context,
    encoding: 'base64',
    siblings,
    contentTypes: contentTypes.map((type) => type || octets),
  };
  return answer('application/json', Buffer.from(JSON.stringify(body)));
}
