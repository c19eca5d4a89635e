/** Failures over HTTP: one shape for all, `{"error":{"code","message"}}`. A mistake of ours is called one, and logged. */
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
  'quorum-not-met': 503,
  unavailable: 503,
};

export function failure(error: CoterieError): Response {
  const status = statusOfCode[error.code] ?? 500;
  const body = { error: { code: error.code, message: error.message, ...error.details } };
  return Response.json(body, { status, headers: status === 503 ? { 'Retry-After': '1' } : {} });
}

/** For whatever a handler threw. */
export function failureOf(cause: unknown, log: Log): Response {
  return failure(outwardError(cause, log, 'a request over HTTP'));
}
