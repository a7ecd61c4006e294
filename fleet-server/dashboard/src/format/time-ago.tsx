import { type ReactElement, useSyncExternalStore } from 'react';
import { useDashboard } from '../dashboard-context.ts';
import { absoluteTime, relativeTime } from './time.ts';

/** A moment, relative in the text and absolute on hover. Renders again only when its words change. */
export function TimeAgo({ atMs }: { atMs: number }): ReactElement {
  const { clock } = useDashboard();
  const words = useSyncExternalStore(clock.subscribe, () => relativeTime(atMs, clock.now()));
  return (
    <time dateTime={new Date(atMs).toISOString()} title={absoluteTime(atMs)}>
      {words}
    </time>
  );
}
