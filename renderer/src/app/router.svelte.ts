/** Which page is open, from the address after `#`: `#/data/default/mykey`. Segments are percent-encoded. */
const pageIds = [
  'overview',
  'ring',
  'computers',
  'keyspaces',
  'data',
  'clients',
  'repair',
  'activity',
] as const;
export type PageId = (typeof pageIds)[number];

export interface Route {
  /** null: there is no such page. */
  readonly page: PageId | null;
  readonly segments: readonly string[];
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function parseHash(hash: string): Route {
  const [first = '', ...rest] = hash.replace(/^#\/?/, '').split('/');
  const page = first === '' ? 'overview' : (pageIds.find((id) => id === first) ?? null);
  return { page, segments: rest.filter((segment) => segment !== '').map(decode) };
}

export function hrefOf(page: PageId, ...segments: readonly string[]): string {
  return `#/${[page, ...segments.map(encodeURIComponent)].join('/')}`;
}

export class Router {
  route = $state.raw<Route>(parseHash(window.location.hash));

  constructor() {
    window.addEventListener('hashchange', () => {
      this.route = parseHash(window.location.hash);
    });
  }

  open(page: PageId, ...segments: readonly string[]): void {
    window.location.hash = hrefOf(page, ...segments);
  }
}
