/**
 * Failures over HTTP: one shape for all, that of RFC 9457 with our code beside it, and `{"error":{"code","message"}}`, which programs
 * went by before. A mistake of ours is called one, and logged.
 */
import type { CoterieError, ErrorCode } from '../../base/errors.ts';
import type { Log } from '../../ports/log.ts';
import { outwardError } from '../../ports/outward-error.ts';

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  'bad-input': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'condition-failed': 412,
  'too-many-siblings': 409,
  'too-large': 413,
  'out-of-range': 416,
  'disk-full': 507,
  busy: 503,
  'not-ready': 503,
  moved: 503,
  'quorum-not-met': 503,
  unavailable: 503,
};

/** Of a kind of problem, the same each time. */
function titleOf(code: ErrorCode): string {
  const words = code.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function failure(error: CoterieError, status = statusOfCode[error.code] ?? 500): Response {
  const { code, message, details } = error;
  const problem = {
    ...details,
    type: `urn:coterie:problem:${code}`,
    title: titleOf(code),
    status,
    detail: message,
    code,
    error: { code, message, ...details },
  };
  const headers = {
    'Content-Type': 'application/problem+json',
    ...(status === 503 ? { 'Retry-After': '1' } : {}),
  };
  return new Response(JSON.stringify(problem), { status, headers });
}

/** For whatever a handler threw. */
export function failureOf(cause: unknown, log: Log): Response {
  return failure(outwardError(cause, log, 'a request over HTTP'));
}
