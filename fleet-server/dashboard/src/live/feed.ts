import type { QueryClient } from '@tanstack/react-query';
import { type Topic, withEvent } from '../api/queries.ts';
import type { FleetEvent, Page } from '../views.ts';
import { createLiveConnection, type LiveConnection } from './live-connection.ts';
import { createRefresher } from './refresh.ts';
import { topicsOf } from './topics.ts';

const ALL: readonly Topic[] = ['overview', 'devices', 'rings', 'rollouts', 'events'];

/** Joins the browser's event stream to the query cache: an event is shown as it is and makes reads of what it touched. */
export function createFeed(queryClient: QueryClient): LiveConnection {
  const later = (ms: number, call: () => void): (() => void) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  };
  const refresher = createRefresher({
    now: () => performance.now(),
    later,
    isVisible: () => !document.hidden,
    refresh: (topic) => void queryClient.invalidateQueries({ queryKey: [topic] }),
  });
  document.addEventListener('visibilitychange', () => refresher.wake());

  return createLiveConnection(
    {
      open: () => new EventSource('/api/v1/events'),
      now: () => Date.now(),
      later,
      random: () => Math.random(),
    },
    {
      onEvent(data) {
        const event = readEvent(data);
        if (!event) return;
        queryClient.setQueryData<Page<FleetEvent>>(['events' satisfies Topic], (page) =>
          withEvent(page, event),
        );
        refresher.want(topicsOf(event.kind));
      },
      onOpen: () => refresher.want(ALL),
      onRefused: () => refresher.want(['overview']),
    },
  );
}

/** The server is of our own version, or this page is reloaded: a shape check on what the page touches is enough. */
function readEvent(data: string): FleetEvent | null {
  try {
    const value: unknown = JSON.parse(data);
    const isEvent =
      typeof value === 'object' &&
      value !== null &&
      'seq' in value &&
      typeof value.seq === 'number' &&
      'kind' in value &&
      'sentence' in value;
    return isEvent ? (value as FleetEvent) : null;
  } catch {
    // One unreadable event costs nothing: the next read shows what it would have told.
    return null;
  }
}
