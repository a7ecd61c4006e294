export const SORT_KEYS = [
  'device',
  'ring',
  'model',
  'running',
  'state',
  'answers',
  'failures',
  'fallbacks',
  'seen',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** What the fleet page keeps in its address; what is absent is the default. `sort` is a column, `-` before it descends. */
export interface FleetSearch {
  readonly search?: string;
  readonly ring?: string;
  readonly sort?: SortKey | `-${SortKey}`;
}

const MAX_SEARCH = 100;
const RING = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads an address that anybody may have typed: what is not understood falls away. */
export function readFleetSearch(raw: Record<string, unknown>): FleetSearch {
  const search = textOf(raw['search']);
  const ring = textOf(raw['ring']);
  const sort = sortOf(raw['sort']);
  return {
    ...(search ? { search } : {}),
    ...(ring && RING.test(ring) ? { ring } : {}),
    ...(sort ? { sort } : {}),
  };
}

/** Column and direction of a sort; devices by name when nothing is asked. */
export function sortingOf(sort: FleetSearch['sort']): { id: SortKey; desc: boolean } {
  if (!sort) return { id: 'device', desc: false };
  const desc = sort.startsWith('-');
  return { id: (desc ? sort.slice(1) : sort) as SortKey, desc };
}

/** The other direction; the default order is left out of the address. */
export function sortText({ id, desc }: { id: SortKey; desc: boolean }): FleetSearch['sort'] {
  if (id === 'device' && !desc) return undefined;
  return desc ? `-${id}` : id;
}

// The router reads `?search=12` as a number.
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.slice(0, MAX_SEARCH) || undefined;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function sortOf(value: unknown): FleetSearch['sort'] {
  const key = SORT_KEYS.find((one) => value === one || value === `-${one}`);
  return key && (value === key ? key : `-${key}`);
}
