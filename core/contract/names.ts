/** What things may be called. */
import { z } from 'zod';
import { isPlainLine } from '../base/plain-text.ts';

/** Names of keyspaces, nodes and data centers. */
export const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/i,
    'Use letters, digits, dots, dashes and underscores, 63 at most, starting with a letter or digit.',
  );

/** What people call their cluster: any words of one line, without characters that steer how it is shown. */
export const clusterName = z
  .string()
  .trim()
  .min(1, 'A cluster needs a name.')
  .max(63, 'A name has 63 characters at most.')
  .refine(isPlainLine, 'A name is one line, without control characters or marks of direction.');
