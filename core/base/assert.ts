/** Checks that stay on in production: a broken assumption is a bug, and stopping is safer than writing wrong data. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}

/** For the default branch of a switch over a closed union: the compiler proves that it cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable: ${String(value)}`);
}
