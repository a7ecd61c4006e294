import './events.css';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { eventsQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { Icon } from '../design/icon.tsx';
import { TimeAgo } from '../format/time-ago.tsx';
import { ProblemNotice } from '../shell/problem-notice.tsx';
import { texts } from '../texts.ts';
import type { FleetEvent } from '../views.ts';
import { eventMark } from './event-words.ts';

const words = texts.events;
const SHOWN_AT_FIRST = 12;

/** What happened last, newest on top, live. */
export function EventsSection(): ReactElement {
  const { api } = useDashboard();
  const query = useQuery(eventsQuery(api));
  const [isLong, setLong] = useState(false);
  const rest = (query.data?.items.length ?? 0) - SHOWN_AT_FIRST;
  return (
    <section className="section events" aria-labelledby="events-title">
      <div className="section-head">
        <h2 className="section-title" id="events-title">
          {words.title}
        </h2>
      </div>
      {query.error && !query.data ? (
        <ProblemNotice what={words.title} error={query.error} retry={() => void query.refetch()} />
      ) : null}
      {query.isPending ? <div className="skeleton skeleton-block" aria-hidden="true" /> : null}
      {query.data?.items.length === 0 ? <p className="panel event-none">{words.empty}</p> : null}
      {query.data && query.data.items.length > 0 ? (
        <ol className="panel event-list">
          {query.data.items.slice(0, isLong ? undefined : SHOWN_AT_FIRST).map((event) => (
            <EventLine key={event.seq} event={event} />
          ))}
        </ol>
      ) : null}
      {rest > 0 ? (
        <div className="section-foot">
          <button type="button" className="button" aria-expanded={isLong} onClick={() => setLong(!isLong)}>
            {isLong ? words.fewer : words.more(rest)}
          </button>
        </div>
      ) : null}
    </section>
  );
}

function EventLine({ event }: { event: FleetEvent }): ReactElement {
  const { tone, icon } = eventMark(event);
  return (
    <li className={`event tone-${tone}`}>
      <Icon name={icon} />
      <p className="event-sentence">{event.sentence}</p>
      <p className="event-code code">{event.code}</p>
      <p className="event-time">
        <TimeAgo atMs={event.atMs} />
      </p>
    </li>
  );
}
