import { type ReactElement, useState } from 'react';
import { Badge, State } from '../design/badge.tsx';
import { Icon } from '../design/icon.tsx';
import { TimeAgo } from '../format/time-ago.tsx';
import { texts } from '../texts.ts';
import type { Rollout } from '../views.ts';
import { RingLane } from './ring-lane.tsx';
import { reasonTitle, ringLook, rolloutLook } from './rollout-words.ts';

const words = texts.rollouts;

/** One rollout: release, state, why it stopped, and its rings as lanes. */
export function RolloutCard({
  rollout,
  startsOpen,
}: {
  rollout: Rollout;
  startsOpen: boolean;
}): ReactElement {
  // Once a person has folded or unfolded it, their word stands.
  const [choice, setChoice] = useState<boolean | null>(null);
  const isOpen = choice ?? startsOpen;
  const ringsId = `rings-${rollout.id}`;
  const title = `${rollout.model} ${rollout.version}`;
  return (
    <article className="panel rollout" id={`rollout-${rollout.id}`} aria-label={title}>
      <h3 className="rollout-heading">
        <button
          type="button"
          className="rollout-head"
          aria-expanded={isOpen}
          aria-controls={ringsId}
          onClick={() => setChoice(!isOpen)}
        >
          <span className="rollout-title">
            {rollout.model} <strong>{rollout.version}</strong>
          </span>
          <Badge look={rolloutLook(rollout)} />
          <Icon name={isOpen ? 'up' : 'down'} />
        </button>
      </h3>
      <p className="rollout-times">
        {words.started} <TimeAgo atMs={rollout.createdAtMs} /> {words.by(rollout.createdBy)}
        {rollout.endedAtMs === null ? null : (
          <>
            , {words.ended} <TimeAgo atMs={rollout.endedAtMs} />
          </>
        )}
      </p>
      {isOpen ? null : <Trail rollout={rollout} />}
      <Reason rollout={rollout} />
      <div id={ringsId} hidden={!isOpen}>
        <ol className="lanes" aria-label={words.rings}>
          {rollout.rings.map((ring) => (
            <RingLane key={ring.plan.ring} ring={ring} rollout={rollout} />
          ))}
        </ol>
      </div>
    </article>
  );
}

/** The rings of a folded rollout in one line. */
function Trail({ rollout }: { rollout: Rollout }): ReactElement {
  return (
    <ol className="trail" aria-label={words.rings}>
      {rollout.rings.map((ring) => (
        <li key={ring.plan.ring}>
          {ring.plan.ring} <State look={ringLook(ring)} />
        </li>
      ))}
    </ol>
  );
}

function Reason({ rollout }: { rollout: Rollout }): ReactElement | null {
  const title = reasonTitle(rollout);
  if (!title) return null;
  const { tone } = rolloutLook(rollout);
  return (
    <div className={`notice rollout-reason tone-${tone}`}>
      <Icon name={tone === 'bad' ? 'stop' : tone === 'warn' ? 'pause' : 'dot'} />
      <div className="notice-body">
        <p className="notice-title">{title}</p>
        <p>
          {rollout.reason ?? words.noReason}{' '}
          {rollout.reasonCode ? <code className="code-tag">{rollout.reasonCode}</code> : null}
        </p>
      </div>
    </div>
  );
}
