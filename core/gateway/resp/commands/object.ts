/** OBJECT and MEMORY: what Redis would say of a value's representation. Ours are plain bytes; the answers describe those. */
import { parseInteger64 } from '../../../wire/resp/integer.ts';
import { word } from '../arguments.ts';
import type { Command, Subcommand, Subcommands } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { bulkOf, isErrorReply, runPart } from '../parts.ts';
import type { Request } from '../request.ts';
import { defineContainer } from './subcommands.ts';

/** Redis keeps strings up to this length in one piece with their header. */
const embeddedBytesMax = 44;
/** Index entry, key and version of one record, roughly. */
const recordOverheadBytes = 96;

function encodingOf(value: Buffer): string {
  if (value.length <= 20 && parseInteger64(value) !== null) return 'int';
  return value.length <= embeddedBytesMax ? 'embstr' : 'raw';
}

/** The key is the third word, so the value comes by way of a part: GET on the key's coordinator. */
function withValue(request: Request, whenMissing: () => void, answer: (value: Buffer) => void): void {
  runPart(request, [word('get'), request.argv[2]], (reply) => {
    if (isErrorReply(reply)) {
      request.raw(reply);
      return;
    }
    const value = bulkOf(reply);
    if (value === null) whenMissing();
    else answer(value);
  });
}

const objectPart = (answer: (request: Request, value: Buffer) => void): Subcommand => ({
  arity: 3,
  run: (request) =>
    withValue(
      request,
      () => request.nil(),
      (value) => answer(request, value),
    ),
});

const object: Subcommands = {
  encoding: objectPart((request, value) => request.text(encodingOf(value))),
  refcount: objectPart((request) => request.integer(1)),
  // When a key was used last is not kept. 0 is what tools that look for forgotten keys should see: none is.
  idletime: objectPart((request) => request.integer(0)),
  freq: objectPart((request) =>
    request.error(
      'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
    ),
  ),
};

function memoryUsage(request: Request): void {
  const { argv } = request;
  if (argv.length !== 3 && argv.length !== 5) throw new CommandError(errorTexts.syntax);
  withValue(
    request,
    () => request.nil(),
    (value) => request.integer(value.length + argv[2].length + recordOverheadBytes),
  );
}

const memory: Subcommands = { usage: { arity: -3, run: memoryUsage } };

const secondWord = { keys: [2, 2, 1] } as const;

export const objectCommands: readonly Command[] = [
  defineContainer({ group: 'generic', name: 'object', arity: -2 }, ['readonly'], object, secondWord),
  defineContainer({ group: 'server', name: 'memory', arity: -2 }, ['readonly'], memory, secondWord),
];
