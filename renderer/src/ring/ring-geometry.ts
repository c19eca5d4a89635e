/**
 * Geometry of the ring picture. A data center is a band; while it has few nodes each of them has a lane of its own in
 * it, so that nodes differ by place and not by shade alone. All arcs of a node are one path. Pure.
 */
export const viewSize = 480;
export const center = viewSize / 2;
const outerRadius = 226;
const innerRadiusMin = 84;
const bandGap = 12;
export const laneCountMax = 6;

export interface Band {
  readonly outer: number;
  readonly inner: number;
}

/** Bands from the outside in, the first data center outermost. */
export function bandsOf(dataCenterCount: number): Band[] {
  const room = outerRadius - innerRadiusMin - bandGap * (dataCenterCount - 1);
  const width = Math.min(62, room / Math.max(1, dataCenterCount));
  return Array.from({ length: dataCenterCount }, (_, index) => {
    const outer = outerRadius - index * (width + bandGap);
    return { outer, inner: outer - width };
  });
}

/** The part of the band that node `index` of `count` uses. */
export function laneOf(band: Band, index: number, count: number): Band {
  if (count > laneCountMax) return band;
  if (count < 2) {
    // A whole band in one colour would shout.
    const spare = Math.max(0, band.outer - band.inner - 26);
    return { outer: band.outer, inner: band.inner + spare };
  }
  const gap = 2.5;
  const width = (band.outer - band.inner - gap * (count - 1)) / count;
  const outer = band.outer - index * (width + gap);
  return { outer, inner: outer - width };
}

function point(radius: number, angle: number): string {
  return `${(center + radius * Math.cos(angle)).toFixed(2)} ${(center + radius * Math.sin(angle)).toFixed(2)}`;
}

/** Angle of the beginning of an arc; 0 is at the top, clockwise. */
export function angleOf(arc: number, arcCount: number): number {
  return (arc / arcCount) * 2 * Math.PI - Math.PI / 2;
}

export function sector(band: Band, from: number, to: number): string {
  const large = to - from > Math.PI ? 1 : 0;
  const { outer, inner } = band;
  return (
    `M${point(outer, from)}A${outer} ${outer} 0 ${large} 1 ${point(outer, to)}` +
    `L${point(inner, to)}A${inner} ${inner} 0 ${large} 0 ${point(inner, from)}z`
  );
}

function circle(radius: number, sweep: 0 | 1): string {
  const half = `A${radius} ${radius} 0 1 ${sweep} `;
  return `M${point(radius, 0)}${half}${point(radius, Math.PI)}${half}${point(radius, 0)}z`;
}

/** A whole ring: a circle and, the other way round, the hole in it. A sector of 360 degrees would be drawn as nothing. */
export function annulus(band: Band): string {
  return circle(band.outer, 1) + circle(band.inner, 0);
}

/** One path for each node, runs of neighbouring arcs merged. */
export function nodePaths(owners: readonly number[], nodeCount: number, band: Band): string[] {
  const paths: string[] = Array.from({ length: nodeCount }, () => '');
  const count = owners.length;
  let start = 0;
  while (start < count) {
    let end = start + 1;
    while (end < count && owners[end] === owners[start]) end++;
    const owner = owners[start];
    const lane = laneOf(band, owner, nodeCount);
    if (end - start === count) paths[owner] += annulus(lane);
    else {
      // A hair of space at the end keeps neighbours apart.
      const trim = 0.12;
      paths[owner] += sector(lane, angleOf(start, count), angleOf(end - trim, count));
    }
    start = end;
  }
  return paths;
}

/** A mark across a band at one arc, wide enough to be seen. */
export function arcMark(band: Band, arc: number, arcCount: number): string {
  const from = angleOf(arc, arcCount);
  const to = angleOf(arc + 1, arcCount);
  return sector({ outer: band.outer + 3, inner: band.inner - 3 }, from, to);
}

/** How strongly node `index` of `count` shows its data center's colour, in percent. */
export function strengthOf(index: number, count: number): number {
  if (count < 2) return 100;
  const steps = Math.min(count, 5);
  return Math.round(100 - ((index % steps) / (steps - 1)) * 46);
}

export function nodeColor(dataCenterIndex: number, index: number, count: number): string {
  return `color-mix(in oklab, var(--dc-${dataCenterIndex % 6}) ${strengthOf(index, count)}%, var(--panel))`;
}
