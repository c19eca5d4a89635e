/**
 * Typed errors for operating conditions. A code is stable: clients, tests and the user interface switch on it; the
 * message is for people and says what to do next. Bugs are asserted (assert.ts), never reported through this class; what a
 * caller outside is told of one has the code `internal`.
 */
export const errorCodes = [
  'bad-input',
  'busy',
  'condition-failed',
  'conflict',
  'corrupt',
  'disk-failed',
  'disk-full',
  'forbidden',
  'internal',
  'moved',
  'not-found',
  'not-ready',
  'out-of-range',
  'quorum-not-met',
  'too-large',
  'too-many-siblings',
  'unauthorized',
  'unavailable',
  'unsupported',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export class CoterieError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, string | number | boolean>> = {},
  ) {
    super(message);
    this.name = 'CoterieError';
    this.code = code;
    this.details = details;
  }
}

/** Turns anything thrown into a CoterieError; unknown failures keep their message under `fallback`. */
export function toCoterieError(cause: unknown, fallback: ErrorCode): CoterieError {
  if (cause instanceof CoterieError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CoterieError(fallback, message);
}

const writeRefusals: ReadonlySet<ErrorCode> = new Set(['disk-full', 'disk-failed', 'busy']);

/** Whether a write that lacks a quorum, or was sent to the wrong node, was given up before anything was changed. */
export function wasNotBegun({ code, details }: CoterieError): boolean {
  return code === 'moved' || (code === 'quorum-not-met' && details.written === false);
}

/**
 * Whether nothing was done where a command was sent, and another node may do it. `error` is that of the sending: one of the command
 * is in the reply, unless the node had not begun with it.
 */
export function isForAnother(error: CoterieError): boolean {
  return isWriteRefusal(error) || error.code === 'not-ready' || error.code === 'quorum-not-met';
}

/** Whether an error says that a node's own disk does not take a write now, so that another node may. */
export function isWriteRefusal(error: CoterieError): boolean {
  return writeRefusals.has(error.code);
}
