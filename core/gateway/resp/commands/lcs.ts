/** LCS: what two strings have in common, in order. How it is found is in lcs.ts. */
import { isWord, readNumber, word } from '../arguments.ts';
import { type Command, defineCommand } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Gathering } from '../gathering.ts';
import { type CommonSubsequence, commonSubsequence, isTooMuchToCompare } from '../lcs.ts';
import { bulkOf, runParts } from '../parts.ts';
import type { Request } from '../request.ts';

const get = word('get');
const emptyValue = Buffer.alloc(0);
const words = {
  len: word('len'),
  idx: word('idx'),
  minimum: word('minmatchlen'),
  lengths: word('withmatchlen'),
};

interface LcsOptions {
  readonly answer: 'bytes' | 'length' | 'runs';
  readonly runLengthMin: number;
  readonly withRunLengths: boolean;
}

function readOptions(argv: readonly Buffer[]): LcsOptions {
  let wantsLength = false;
  let wantsRuns = false;
  let withRunLengths = false;
  let runLengthMin = 0;
  for (let index = 3; index < argv.length; index++) {
    if (isWord(argv[index], words.len)) wantsLength = true;
    else if (isWord(argv[index], words.idx)) wantsRuns = true;
    else if (isWord(argv[index], words.lengths)) withRunLengths = true;
    else if (isWord(argv[index], words.minimum) && index + 1 < argv.length) {
      index += 1;
      runLengthMin = readNumber(argv[index]);
    } else throw new CommandError(errorTexts.syntax);
  }
  if (wantsLength && wantsRuns) {
    throw new CommandError('ERR If you want both the length and indexes, please just use IDX.');
  }
  return { answer: wantsLength ? 'length' : wantsRuns ? 'runs' : 'bytes', runLengthMin, withRunLengths };
}

function answerRuns(request: Request, common: CommonSubsequence, options: LcsOptions): void {
  const shown = common.runs.filter(({ length }) => length >= options.runLengthMin);
  const encoder = request.begin();
  encoder.map(2);
  encoder.text('matches');
  encoder.array(shown.length);
  for (const { left, right, length } of shown) {
    encoder.array(options.withRunLengths ? 3 : 2);
    for (const ends of [left, right]) {
      encoder.array(2);
      for (const end of ends) encoder.integer(end);
    }
    if (options.withRunLengths) encoder.integer(length);
  }
  encoder.text('len');
  encoder.integer(common.bytes.length);
  request.end();
}

function lcs(request: Request): void {
  const { argv } = request;
  const options = readOptions(argv);
  const values: Buffer[] = [];
  const visit = (reply: Buffer[], gathering: Gathering): void => {
    const value = bulkOf(reply) ?? emptyValue;
    if (gathering.add(value.length)) values.push(value);
  };
  runParts(request, { count: 2, at: (index) => [get, argv[index + 1]], visit }, () => {
    const [left, right] = values;
    if (isTooMuchToCompare(left, right)) {
      throw new CommandError(
        `ERR these strings are too long to compare here: ${left.length} times ${right.length} bytes. Together the product may be about four million.`,
      );
    }
    const common = commonSubsequence(left, right);
    if (options.answer === 'length') request.integer(common.bytes.length);
    else if (options.answer === 'bytes') request.bulk(common.bytes);
    else answerRuns(request, common, options);
  });
}

export const lcsCommands: readonly Command[] = [
  defineCommand('string', 'lcs', -3, ['readonly'], lcs, {
    keys: [1, 2, 1],
    summary: 'The longest sequence of bytes that two strings have in common, in order.',
    since: '7.0.0',
  }),
];
