import type { ReactElement } from 'react';
import { Badge, State } from '../design/badge.tsx';
import { count } from '../format/number.ts';
import { TimeAgo } from '../format/time-ago.tsx';
import { texts } from '../texts.ts';
import type { Rollout, RolloutRing } from '../views.ts';
import { EvidenceBar } from './evidence-bar.tsx';
import { isActive, ringLook, verdictLook } from './rollout-words.ts';

const words = texts.rollouts;
const COUNTS = ['proven', 'executed', 'failed', 'members'] as const;

/** One ring of a rollout: its state, what its devices showed, and what the gate says about it. */
export function RingLane({ ring, rollout }: { ring: RolloutRing; rollout: Rollout }): ReactElement {
  const look = ringLook(ring);
  const { gate } = ring;
  return (
    <li className={`lane lane-${ring.state}`}>
      <div className="lane-head">
        <h4>{ring.plan.ring}</h4>
        <State look={look} />
      </div>
      {gate ? (
        <>
          <EvidenceBar counts={gate.counts} />
          <dl className="lane-counts">
            {COUNTS.map((name) => (
              <div key={name} title={words.countsHint[name]} className={toneOf(name, gate.counts[name])}>
                <dd>{count(gate.counts[name])}</dd>
                <dt>{words.counts[name](gate.counts[name])}</dt>
              </div>
            ))}
          </dl>
          <div className="gate">
            <p className="gate-verdict">
              <Badge look={verdictLook(gate, !isActive(rollout))} />
            </p>
            {rollout.reason?.includes(gate.sentence) ? null : (
              <p className="gate-sentence">
                {gate.sentence} <code className="code-tag">{gate.code}</code>
              </p>
            )}
            <p className="gate-claim">{gate.claim}</p>
            <Extras ring={ring} />
          </div>
        </>
      ) : (
        <p className="lane-wait">
          {ring.state !== 'waiting' ? words.noGate : isActive(rollout) ? words.notOpened : words.untouched}
        </p>
      )}
      <LaneTimes ring={ring} />
    </li>
  );
}

function Extras({ ring }: { ring: RolloutRing }): ReactElement | null {
  const counts = ring.gate?.counts;
  if (!counts) return null;
  const extras = (['regressed', 'unreached', 'incompatible', 'infra'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => words.extra[name](counts[name]));
  return extras.length > 0 ? <p className="gate-claim">{extras.join(' · ')}</p> : null;
}

function LaneTimes({ ring }: { ring: RolloutRing }): ReactElement | null {
  if (ring.openedAtMs === null) return null;
  return (
    <p className="lane-times">
      {words.opened} <TimeAgo atMs={ring.openedAtMs} />
      {ring.closedAtMs === null ? null : (
        <>
          {' · '}
          {ringLook(ring).words.toLowerCase()} <TimeAgo atMs={ring.closedAtMs} />
        </>
      )}
      {' · '}
      {ring.previous ? words.was(ring.previous.version) : words.wasNothing}
    </p>
  );
}

const toneOf = (name: (typeof COUNTS)[number], value: number): string =>
  name === 'failed' && value > 0 ? 'tone-bad' : '';
