/** What the writing process and the test that checks after it must agree on. */

export const storageKillKeyCount = 500;

/** Small segments and an eager policy: sealing and compaction are under way at most moments. */
export const storageKillSettings = {
  folder: 'data',
  hotBytesMax: 64 * 1024,
  segmentBytesMax: 256 * 1024,
  policy: { deadShareMax: 0.2, warmSegmentCountMax: 2, smallBytes: 32 * 1024, smallCountMax: 4 },
};

/** Any byte of it wrong, missing or of another version is noticed. */
export function valueOfVersion(version: number): Buffer {
  return Buffer.from(`${version}:${`${version % 97} `.repeat(1 + (version % 300))}`);
}
