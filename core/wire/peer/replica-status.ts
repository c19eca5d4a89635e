/** How a replica's error travels: as one byte, and back as what the coordinator needs to know of it. */
import { CoterieError } from '../../base/errors.ts';
import { status } from './frames.ts';

export function statusOf(error: CoterieError): number {
  if (error.code === 'disk-full') return status.diskFull;
  if (error.code === 'disk-failed') return status.diskFailed;
  if (error.code === 'busy') return status.busy;
  return status.failed;
}

/** For a status other than `ok`. */
export function errorOf(code: number): CoterieError {
  switch (code) {
    case status.diskFull:
      return new CoterieError('disk-full', 'The disk of another replica is full.');
    case status.diskFailed:
      return new CoterieError('disk-failed', 'The disk of another replica failed.');
    case status.busy:
      return new CoterieError('busy', 'Another replica has too much to write. Try again in a moment.');
    default:
      return new CoterieError('unavailable', 'Another replica could not do what was asked. Try again.');
  }
}
