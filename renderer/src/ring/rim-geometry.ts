/**
 * Geometry of a change in the ring picture: a rim outside of all bands for copies that nodes get, one inside for those they let go,
 * and a veil over what stays as it is. Nodes that share a partition are stacked, so that none hides another. Pure.
 */
import { angleOf, type Band, sector } from './ring-geometry.ts';

const laneWidthMax = 7;
const gap = 4;
/** Room for a rim on either side of the bands. */
export const rimWidth = 20;
const innerRimWidth = 8;

/** Both from the bands away: the first lane is the one beside them. */
export function outerRim({ outer }: Band, lane: number, laneCount: number): Band {
  const width = Math.min(laneWidthMax, (rimWidth - gap) / laneCount);
  const inner = outer + gap + lane * width;
  return { outer: inner + width - 0.6, inner };
}

export function innerRim({ inner }: Band, lane: number, laneCount: number): Band {
  const width = Math.min(laneWidthMax, innerRimWidth / laneCount);
  const outer = inner - gap - lane * width;
  return { outer, inner: outer - width + 0.6 };
}

/** One path for each list of partitions, which are in ascending order. */
export function rimPaths(
  lists: readonly (readonly number[])[],
  arcCount: number,
  bandOf: (lane: number, laneCount: number) => Band,
): string[] {
  const depths = new Map<number, number>();
  const placed = lists.map((list) =>
    list.map((partition) => {
      const lane = depths.get(partition) ?? 0;
      depths.set(partition, lane + 1);
      return { partition, lane };
    }),
  );
  const laneCount = Math.max(1, ...depths.values());
  return placed.map((places) => {
    let path = '';
    for (let start = 0, end = 0; start < places.length; start = end) {
      const { partition, lane } = places[start];
      end = start + 1;
      while (places[end]?.lane === lane && places[end].partition === partition + end - start) end++;
      path += arcOf(bandOf(lane, laneCount), partition, partition + end - start, arcCount);
    }
    return path;
  });
}

/** Over the partitions of which nothing moves, across its data center's band. */
export function veilPath(moving: ReadonlySet<number>, arcCount: number, band: Band): string {
  let path = '';
  for (let start = 0; start < arcCount; start++) {
    if (moving.has(start)) continue;
    let end = start + 1;
    while (end < arcCount && !moving.has(end)) end++;
    path += arcOf(band, start, end, arcCount);
    start = end;
  }
  return path;
}

/** A sector of the whole circle would be drawn as nothing, so none reaches further than half of it. */
function arcOf(band: Band, from: number, to: number, arcCount: number): string {
  const middle = Math.min(to, from + Math.floor(arcCount / 2));
  const first = sector(band, angleOf(from, arcCount), angleOf(middle, arcCount));
  return middle === to ? first : first + arcOf(band, middle, to, arcCount);
}
