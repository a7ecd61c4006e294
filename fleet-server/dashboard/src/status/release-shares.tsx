import type { ReactElement } from 'react';
import { count, percent } from '../format/number.ts';
import { texts } from '../texts.ts';
import type { Overview } from '../views.ts';
import { type ModelShares, sharesByModel } from './release-share.ts';

const WIDTH = 1000;
const GAP = 6;
const COLOURS = 4;

/** One bar per model. The legend carries the figures; the bar only makes them quick to see. */
export function ReleaseShares({ releases }: { releases: Overview['releases'] }): ReactElement {
  const models = sharesByModel(releases);
  if (models.length === 0) return <p className="figure-note">{texts.figures.noReleases}</p>;
  return (
    <>
      {models.map((shares) => (
        <ModelBar key={shares.model} shares={shares} />
      ))}
    </>
  );
}

function ModelBar({ shares: { model, releases, devices } }: { shares: ModelShares }): ReactElement {
  const segments = segmentsOf(releases.map((release) => release.devices));
  return (
    <div>
      <div className="share-head">
        <p className="share-model">{model}</p>
        <ul className="share-legend">
          {releases.map((release, index) => (
            <li
              key={release.version}
              title={texts.figures.share(release.version, release.devices, percent(release.devices, devices))}
            >
              <svg className="share-key" viewBox="0 0 10 10" aria-hidden="true" focusable="false">
                <rect className={colour(index)} width="10" height="10" rx="3" />
              </svg>
              {release.version}
              <span>
                {count(release.devices)} · {percent(release.devices, devices)}
              </span>
            </li>
          ))}
        </ul>
      </div>
      <svg
        className="share-bar"
        viewBox={`0 0 ${WIDTH} 8`}
        preserveAspectRatio="none"
        aria-hidden="true"
        focusable="false"
      >
        {segments.map(({ x, width }, index) => (
          <rect key={releases[index]?.version} className={colour(index)} x={x} width={width} height="8" />
        ))}
      </svg>
    </div>
  );
}

const colour = (index: number): string => `share-${Math.min(index + 1, COLOURS)}`;

/** Places the segments side by side with small gaps; none is thinner than can be seen. */
function segmentsOf(parts: readonly number[]): { x: number; width: number }[] {
  const whole = parts.reduce((sum, part) => sum + part, 0);
  const room = WIDTH - GAP * (parts.length - 1);
  let x = 0;
  return parts.map((part) => {
    const width = Math.max(4, (part / whole) * room);
    const segment = { x, width };
    x += width + GAP;
    return segment;
  });
}
