import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useEffect, useId, useRef, useState } from 'react';
import { ringsQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { Icon } from '../design/icon.tsx';
import { type FleetSearch, SORT_KEYS, sortingOf, sortText } from '../fleet-search.ts';
import { texts } from '../texts.ts';

const words = texts.devices;
const TYPING_PAUSE_MS = 250;

/** Search and ring, kept in the address. On narrow screens also the order, which the table's heads give elsewhere. */
export function DeviceFilters({
  search,
  change,
  hasSortMenu,
}: {
  search: FleetSearch;
  change: (next: FleetSearch) => void;
  hasSortMenu: boolean;
}): ReactElement {
  const { api } = useDashboard();
  const rings = useQuery(ringsQuery(api));
  const names = rings.data?.items.map(({ name }) => name) ?? [];
  const ids = { search: useId(), ring: useId(), sort: useId() };
  return (
    <search className="device-filters">
      <div className="device-search">
        <Icon name="search" />
        <label className="visually-hidden" htmlFor={ids.search}>
          {words.searchLabel}
        </label>
        <SearchField
          id={ids.search}
          value={search.search ?? ''}
          commit={(text) => change({ ...without(search, 'search'), ...(text ? { search: text } : {}) })}
        />
      </div>
      <label className="visually-hidden" htmlFor={ids.ring}>
        {words.ringLabel}
      </label>
      <select
        id={ids.ring}
        className="field"
        value={search.ring ?? ''}
        onChange={({ target }) =>
          change({ ...without(search, 'ring'), ...(target.value ? { ring: target.value } : {}) })
        }
      >
        <option value="">{words.allRings}</option>
        {withCurrent(names, search.ring).map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {hasSortMenu ? (
        <>
          <label className="visually-hidden" htmlFor={ids.sort}>
            {words.sortLabel}
          </label>
          <select
            id={ids.sort}
            className="field"
            value={sortingOf(search.sort).id}
            onChange={({ target }) => {
              const id = SORT_KEYS.find((key) => key === target.value) ?? 'device';
              const sort = sortText({ id, desc: DESCENDING_FIRST.has(id) });
              change({ ...without(search, 'sort'), ...(sort ? { sort } : {}) });
            }}
          >
            {SORT_KEYS.map((key) => (
              <option key={key} value={key}>
                {words.sortBy(words.columns[key])}
              </option>
            ))}
          </select>
        </>
      ) : null}
    </search>
  );
}

const DESCENDING_FIRST: ReadonlySet<string> = new Set(['answers', 'failures', 'fallbacks', 'seen']);

/** Follows the address, and writes to it once typing pauses. */
function SearchField({
  id,
  value,
  commit,
}: {
  id: string;
  value: string;
  commit: (text: string) => void;
}): ReactElement {
  const [text, setText] = useState(value);
  const latest = useRef(commit);
  useEffect(() => {
    latest.current = commit;
  });
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => latest.current(text.trim()), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <input
      id={id}
      className="field"
      type="search"
      placeholder={words.searchHint}
      value={text}
      maxLength={100}
      autoComplete="off"
      spellCheck={false}
      onChange={({ target }) => setText(target.value)}
    />
  );
}

function without(search: FleetSearch, key: keyof FleetSearch): FleetSearch {
  const { [key]: _, ...rest } = search;
  return rest;
}

const withCurrent = (names: readonly string[], current: string | undefined): readonly string[] =>
  current && !names.includes(current) ? [...names, current] : names;
