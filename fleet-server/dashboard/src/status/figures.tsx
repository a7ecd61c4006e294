import type { ReactElement, ReactNode } from 'react';
import { count } from '../format/number.ts';
import { texts } from '../texts.ts';
import type { Overview } from '../views.ts';
import { ReleaseShares } from './release-shares.tsx';

const words = texts.figures;

/** The four figures under the top line. They keep their room while they are being read. */
export function Figures({
  overview,
  rings,
}: {
  overview: Overview | undefined;
  rings: number | undefined;
}): ReactElement {
  const total = overview?.devices.total;
  const connected = overview?.devices.connected;
  const missing = total !== undefined && connected !== undefined ? total - connected : 0;
  const halted = overview?.rollouts.halted ?? 0;
  return (
    <dl className="figures panel">
      <Figure label={words.devices} note={rings === undefined ? undefined : words.rings(rings)}>
        {shown(total)}
      </Figure>
      <Figure
        label={words.connected}
        note={missing > 0 ? words.notConnected(missing) : connected ? words.allConnected : words.noneYet}
        tone={missing > 0 ? 'warn' : undefined}
      >
        {shown(connected)}
        {total === undefined ? null : <small> / {count(total)}</small>}
      </Figure>
      <Figure
        label={words.rollouts}
        note={halted > 0 ? words.rolloutsHalted(halted) : words.rolloutsCalm}
        className="figure-rollouts"
      >
        {shown(overview?.rollouts.active)}
      </Figure>
      <div className="figure figure-wide">
        <dt>{words.releases}</dt>
        <dd className="shares">{overview ? <ReleaseShares releases={overview.releases} /> : null}</dd>
      </div>
    </dl>
  );
}

function Figure({
  label,
  note,
  tone,
  className = '',
  children,
}: {
  label: string;
  note: string | undefined;
  tone?: 'warn' | undefined;
  className?: string;
  children: ReactNode;
}): ReactElement {
  return (
    <div className={`figure ${className}`}>
      <dt>{label}</dt>
      <dd className="figure-value">{children}</dd>
      <dd className={`figure-note ${tone ? `tone-${tone}` : ''}`}>{note ?? '\u00a0'}</dd>
    </div>
  );
}

const shown = (value: number | undefined): string => (value === undefined ? texts.none : count(value));
