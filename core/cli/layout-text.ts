/** The cluster's layout and how far a change of it is, as lines of text. Pure. */
import type {
  LayoutView,
  NodeProgress,
  PartitionGiven,
  PartitionProgress,
} from '../contract/layout-views.ts';
import { formatBytes } from './output.ts';

const leftInWords = ({ remainingMs }: { readonly remainingMs: number | null }) =>
  remainingMs === null ? '' : `, some ${Math.ceil(remainingMs / 1_000)} s left`;

const rateInWords = ({ bytesPerSecond }: { readonly bytesPerSecond: number | null }) =>
  bytesPerSecond === null ? '' : `, ${formatBytes(bytesPerSecond)} a second`;

function partitionText(moving: PartitionProgress): string {
  const { keyspace, partition, from, share } = moving;
  const howFar = share === null ? 'compared' : `${Math.floor(share * 100)} %`;
  return `  partition ${partition} of ${keyspace} from ${from}: ${howFar}${rateInWords(moving)}${leftInWords(moving)}`;
}

function givenText(given: PartitionGiven): string {
  const { node, keyspace, partition, to, keysGiven, bytesGiven } = given;
  const howMuch =
    keysGiven === 0
      ? 'compared'
      : `${keysGiven} ${keysGiven === 1 ? 'key' : 'keys'}, ${formatBytes(bytesGiven)}`;
  return `- ${node}: partition ${partition} of ${keyspace} to ${to}: ${howMuch}${rateInWords(given)}`;
}

function nodeLines(node: NodeProgress): string[] {
  const { name, partitionsDone, partitionsTotal, bytesMoved, moving } = node;
  const copies = `${partitionsDone} of ${partitionsTotal}`;
  return [
    `- ${name}: ${copies}, ${formatBytes(bytesMoved)}${leftInWords(node)}`,
    ...moving.map(partitionText),
  ];
}

export function viewText({ version, state, changes, progress, waitsFor }: LayoutView): string {
  const lines = [`Layout ${version}, ${state === 'settled' ? 'settled' : 'changing'}.`];
  const { partitionsDone, partitionsTotal, bytesMoved, nodes, given } = progress;
  if (state === 'changing') {
    const copies = `${partitionsDone} of ${partitionsTotal} copies moved`;
    lines.push(
      `${copies}, ${formatBytes(bytesMoved)}${rateInWords(progress)}${leftInWords(progress)}.`,
      ...nodes.flatMap(nodeLines),
      ...waitsFor,
    );
  } else if (nodes.length > 0) {
    lines.push('Copies are missing, and come back:');
    for (const { name, partitionsTotal: lacking, moving } of nodes) {
      lines.push(`- ${name}: ${lacking} still missing`, ...moving.map(partitionText));
    }
  }
  if (given.length > 0) lines.push('Given to those that have it from now on:', ...given.map(givenText));
  if (changes.length > 0) lines.push('Staged:', ...changes.map((words) => `- ${words}`));
  return lines.join('\n');
}
