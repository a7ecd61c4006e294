import './now-section.css';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type ReactElement, useMemo } from 'react';
import { devicesQuery, overviewQuery, ringsQuery, rolloutsQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { Icon, type IconName } from '../design/icon.tsx';
import { ProblemNotice } from '../shell/problem-notice.tsx';
import { texts } from '../texts.ts';
import { Figures } from './figures.tsx';
import { type Headline, headlineOf } from './headline.ts';

const words = texts.now;
const WHOLE_FLEET = { search: undefined, ring: undefined };

/** The top line: what is wrong right now in one sentence, and the figures under it. */
export function NowSection(): ReactElement {
  const { api } = useDashboard();
  const overview = useQuery(overviewQuery(api));
  const rollouts = useInfiniteQuery(rolloutsQuery(api));
  const devices = useInfiniteQuery(devicesQuery(api, WHOLE_FLEET));
  const rings = useQuery(ringsQuery(api));

  // Half of the truth is no headline: without one of the three nothing is said about the fleet.
  const missing = [overview, rollouts, devices].find(({ error, data }) => error && !data);

  const headline = useMemo(() => {
    if (!overview.data || !rollouts.data || !devices.data) return null;
    return headlineOf({
      overview: overview.data,
      rollouts: rollouts.data.pages.flatMap(({ items }) => items),
      devices: devices.data.pages.flatMap(({ items }) => items),
      hasAllDevices: !devices.hasNextPage,
    });
  }, [overview.data, rollouts.data, devices.data, devices.hasNextPage]);

  return (
    <section className="now" aria-label={words.label}>
      {missing ? (
        <ProblemNotice what={words.label} error={missing.error} retry={() => void missing.refetch()} />
      ) : (
        <TopLine headline={headline} />
      )}
      <Figures overview={overview.data} rings={rings.data?.items.length} />
    </section>
  );
}

const MARKS: Readonly<Record<Headline['tone'], IconName>> = {
  ok: 'check',
  moving: 'moving',
  quiet: 'ring',
  warn: 'warning',
  bad: 'warning',
};

function TopLine({ headline }: { headline: Headline | null }): ReactElement {
  const tone = headline?.tone ?? 'quiet';
  const [first, ...others] = headline?.findings ?? [];
  return (
    <div className={`headline tone-${tone}`}>
      <span className="headline-mark">
        <Icon name={MARKS[tone]} />
      </span>
      <h1 aria-live="polite">
        {first ? <a href={first.href}>{first.sentence}</a> : (headline?.sentence ?? words.loading)}
      </h1>
      {first?.detail ? <p className="headline-detail">{first.detail}</p> : null}
      {others.length > 0 ? (
        <ul className="headline-more" aria-label={words.more}>
          {others.map(({ sentence, href }) => (
            <li key={sentence}>
              <a href={href}>{sentence}</a>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
