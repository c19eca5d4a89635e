/** Lists and numbers as they are shown. */

/** "a", "a and b", "a, b and c". */
export function listOf(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A node's number as people and programs see it. */
export function hexId(nodeId: number): string {
  return nodeId.toString(16).padStart(8, '0');
}

/** "1 partition", "1,024 partitions". */
export function partitionsInWords(count: number): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? 'partition' : 'partitions'}`;
}
