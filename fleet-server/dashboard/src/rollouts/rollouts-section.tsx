import './rollouts.css';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { rolloutsQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { Lesson } from '../shell/lesson.tsx';
import { ProblemNotice } from '../shell/problem-notice.tsx';
import { texts } from '../texts.ts';
import { RolloutCard } from './rollout-card.tsx';
import { isActive } from './rollout-words.ts';

const words = texts.rollouts;

/** Rollouts, newest first: the newest and every unfinished one with their evidence, older ones folded. */
export function RolloutsSection(): ReactElement {
  const { api } = useDashboard();
  const query = useInfiniteQuery(rolloutsQuery(api));
  const rollouts = query.data?.pages.flatMap(({ items }) => items);
  return (
    <section className="section rollouts" aria-labelledby="rollouts-title">
      <div className="section-head">
        <h2 className="section-title" id="rollouts-title">
          {words.title}
        </h2>
      </div>
      {query.error && !rollouts ? (
        <ProblemNotice what={words.title} error={query.error} retry={() => void query.refetch()} />
      ) : null}
      {query.isPending ? <div className="skeleton skeleton-block" aria-hidden="true" /> : null}
      {rollouts?.length === 0 ? (
        <Lesson title={words.emptyTitle} text={words.emptyText} steps={words.empty} />
      ) : null}
      {rollouts && rollouts.length > 0 ? (
        <ol className="rollout-list">
          {rollouts.map((rollout, index) => (
            <li key={rollout.id}>
              <RolloutCard rollout={rollout} startsOpen={index === 0 || isActive(rollout)} />
            </li>
          ))}
        </ol>
      ) : null}
      {query.hasNextPage ? (
        <div className="section-foot">
          <button
            type="button"
            className="button"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            {words.more}
          </button>
        </div>
      ) : null}
    </section>
  );
}
