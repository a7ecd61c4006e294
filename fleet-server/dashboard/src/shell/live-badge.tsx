import { type ReactElement, useSyncExternalStore } from 'react';
import { useDashboard } from '../dashboard-context.ts';
import type { Tone } from '../design/badge.tsx';
import { timeOfDay } from '../format/time.ts';
import type { LiveState } from '../live/live-connection.ts';
import { texts } from '../texts.ts';

/** Whether what is on the page is still true; announced when it changes. */
export function LiveBadge(): ReactElement {
  const { live } = useDashboard();
  const state = useSyncExternalStore(live.subscribe, live.state);
  const { tone, words, hint } = shown(state);
  return (
    <>
      <span className={`live badge tone-${tone}`} role="status" title={hint}>
        <span className="live-dot" aria-hidden="true" />
        {words}
      </span>
      {state.kind === 'stale' ? <p className="stale-banner">{hint}</p> : null}
    </>
  );
}

function shown(state: LiveState): { tone: Tone; words: string; hint: string } {
  const words = texts.live;
  switch (state.kind) {
    case 'connecting':
      return { tone: 'quiet', words: words.connecting, hint: words.reconnectingHint };
    case 'live':
      return { tone: 'ok', words: words.live, hint: words.liveHint };
    case 'reconnecting':
      return { tone: 'warn', words: words.reconnecting, hint: words.reconnectingHint };
    case 'stale':
      return { tone: 'bad', words: words.stale(timeOfDay(state.sinceMs)), hint: words.staleHint };
  }
}
