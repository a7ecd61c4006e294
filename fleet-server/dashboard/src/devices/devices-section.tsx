import './devices.css';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTable } from '@tanstack/react-table';
import { type ReactElement, useMemo } from 'react';
import { devicesQuery, overviewQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { type FleetSearch, SORT_KEYS, sortingOf, sortText } from '../fleet-search.ts';
import { Lesson } from '../shell/lesson.tsx';
import { ProblemNotice } from '../shell/problem-notice.tsx';
import { useMedia } from '../shell/use-media.ts';
import { texts } from '../texts.ts';
import { DeviceCards } from './device-cards.tsx';
import { deviceColumns, deviceFeatures } from './device-columns.tsx';
import { DeviceFilters } from './device-filters.tsx';
import { type DeviceRow, rowsOf } from './device-rows.ts';
import { DeviceTable } from './device-table.tsx';

const words = texts.devices;
const route = getRouteApi('/');
const NO_ROWS: DeviceRow[] = [];

/** Every device with what it runs, what it should run, and what stands in between. */
export function DevicesSection(): ReactElement {
  const { api } = useDashboard();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const isWide = useMedia('(min-width: 64rem)');
  const total = useQuery(overviewQuery(api)).data?.devices.total;
  const isFiltered = Boolean(search.search ?? search.ring);
  const query = useInfiniteQuery(devicesQuery(api, { search: search.search, ring: search.ring }));
  const devices = useMemo(() => query.data?.pages.flatMap(({ items }) => items), [query.data]);
  const rows = useMemo(() => (devices ? rowsOf(devices) : NO_ROWS), [devices]);
  const sorting = useMemo(() => [sortingOf(search.sort)], [search.sort]);

  const change = (next: FleetSearch): void =>
    void navigate({ search: next, replace: true, resetScroll: false });
  const table = useTable({
    features: deviceFeatures,
    columns: deviceColumns,
    data: rows,
    getRowId: ({ key }) => key,
    enableSortingRemoval: false,
    state: { sorting },
    onSortingChange: (updater) => {
      const [first] = typeof updater === 'function' ? updater(sorting) : updater;
      const id = SORT_KEYS.find((key) => key === first?.id);
      const { sort: _, ...rest } = search;
      const sort = id && sortText({ id, desc: first?.desc ?? false });
      change({ ...rest, ...(sort ? { sort } : {}) });
    },
  });

  return (
    <section className="section devices" id="devices" aria-labelledby="devices-title">
      <div className="section-head">
        <h2 className="section-title" id="devices-title">
          {words.title}
        </h2>
        <span className="section-note" role="status">
          {devices ? words.count(devices.length, total ?? null) : ''}
        </span>
        {devices?.length === 0 && !isFiltered ? null : (
          <DeviceFilters search={search} change={change} hasSortMenu={!isWide} />
        )}
      </div>
      {query.error && !devices ? (
        <ProblemNotice what={words.title} error={query.error} retry={() => void query.refetch()} />
      ) : null}
      {query.isPending ? <Waiting /> : null}
      {devices?.length === 0 ? (
        isFiltered ? (
          <NoMatch clear={() => change(search.sort ? { sort: search.sort } : {})} />
        ) : (
          <Lesson title={words.emptyTitle} text={words.emptyText} steps={words.empty} />
        )
      ) : null}
      {rows.length > 0 ? isWide ? <DeviceTable table={table} /> : <DeviceCards table={table} /> : null}
      {query.hasNextPage ? (
        <div className="section-foot">
          <button
            type="button"
            className="button"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            {query.isFetchingNextPage ? words.loadingMore : words.more}
          </button>
          <span className="section-note">{words.sortedLoaded}</span>
        </div>
      ) : null}
    </section>
  );
}

function Waiting(): ReactElement {
  return (
    <div className="panel skeletons device-waiting" aria-hidden="true">
      {['a', 'b', 'c', 'd'].map((key) => (
        <div key={key} className="skeleton skeleton-row" />
      ))}
    </div>
  );
}

function NoMatch({ clear }: { clear: () => void }): ReactElement {
  return (
    <div className="panel lesson">
      <div>
        <p className="lesson-title">{words.noMatchTitle}</p>
        <p className="lesson-text">{words.noMatchText}</p>
      </div>
      <div>
        <button type="button" className="button" onClick={clear}>
          {words.clear}
        </button>
      </div>
    </div>
  );
}
