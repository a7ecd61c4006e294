import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { FleetEvent, Page } from '../views.ts';
import { type Api, answerOf } from './client.ts';

/** Events tell when to read again; heartbeats make none, so counters are also read at this calm pace. */
const CALM_MS = 30_000;
const EVENTS_SHOWN = 40;

export interface DeviceFilter {
  readonly search: string | undefined;
  readonly ring: string | undefined;
}

/** First part of every query key: what live events name when something changed. */
export type Topic = 'overview' | 'devices' | 'rings' | 'rollouts' | 'events' | 'refused';

export const overviewQuery = (api: Api) =>
  queryOptions({
    queryKey: ['overview' satisfies Topic],
    queryFn: ({ signal }) => answerOf(api.GET('/api/v1/overview', { signal })),
    refetchInterval: CALM_MS,
  });

export const devicesQuery = (api: Api, filter: DeviceFilter) =>
  infiniteQueryOptions({
    queryKey: ['devices' satisfies Topic, filter],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/v1/devices', {
          signal,
          params: {
            query: {
              limit: 100,
              ...(pageParam ? { cursor: pageParam } : {}),
              ...(filter.search ? { search: filter.search } : {}),
              ...(filter.ring ? { ring: filter.ring } : {}),
            },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    refetchInterval: CALM_MS,
  });

export const ringsQuery = (api: Api) =>
  queryOptions({
    queryKey: ['rings' satisfies Topic],
    queryFn: ({ signal }) => answerOf(api.GET('/api/v1/rings', { signal })),
  });

export const rolloutsQuery = (api: Api) =>
  infiniteQueryOptions({
    queryKey: ['rollouts' satisfies Topic],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/v1/rollouts', {
          signal,
          params: { query: { limit: 10, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    refetchInterval: CALM_MS,
  });

export const eventsQuery = (api: Api) =>
  queryOptions({
    queryKey: ['events' satisfies Topic],
    queryFn: ({ signal }): Promise<Page<FleetEvent>> =>
      answerOf(api.GET('/api/v1/events/history', { signal, params: { query: { limit: EVENTS_SHOWN } } })),
  });

export const refusedQuery = (api: Api) =>
  queryOptions({
    queryKey: ['refused' satisfies Topic],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/v1/refused', { signal, params: { query: { limit: 5 } } })),
    refetchInterval: CALM_MS,
  });

/** Puts one live event on top of the newest page; the same event twice stands there once. */
export function withEvent(
  page: Page<FleetEvent> | undefined,
  event: FleetEvent,
): Page<FleetEvent> | undefined {
  if (!page || page.items.some(({ seq }) => seq === event.seq)) return page;
  const items = [event, ...page.items].sort((a, b) => b.seq - a.seq).slice(0, EVENTS_SHOWN);
  return { ...page, items };
}
