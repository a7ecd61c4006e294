import type { ReactElement } from 'react';
import { texts } from '../texts.ts';
import type { RolloutRing } from '../views.ts';

type Counts = NonNullable<RolloutRing['gate']>['counts'];

const WIDTH = 1000;

/** Proven, executed and failed as parts of the members. The counts beside it say the same in figures. */
export function EvidenceBar({ counts }: { counts: Counts }): ReactElement {
  const { members, proven, executed, failed } = counts;
  const part = (n: number): number => (members > 0 ? (Math.min(n, members) / members) * WIDTH : 0);
  const pending = Math.max(0, executed - proven - failed);
  return (
    <svg
      className="evidence"
      viewBox={`0 0 ${WIDTH} 6`}
      preserveAspectRatio="none"
      role="img"
      aria-label={texts.rollouts.bar(proven, executed, failed, members)}
    >
      <rect className="evidence-rest" width={WIDTH} height="6" />
      <rect className="evidence-proven" width={part(proven)} height="6" />
      <rect className="evidence-pending" x={part(proven)} width={part(pending)} height="6" />
      <rect className="evidence-failed" x={part(proven + pending)} width={part(failed)} height="6" />
    </svg>
  );
}
