import type { ReactElement } from 'react';
import { Icon, type IconName } from './icon.tsx';

/** What a state means to the reader. Colour repeats it; icon and words say it. */
export type Tone = 'ok' | 'moving' | 'warn' | 'bad' | 'quiet';

/** How a state is shown everywhere: tone, icon and words together. */
export interface Look {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly words: string;
}

/** A state as a pill. */
export function Badge({ look }: { look: Look }): ReactElement {
  return (
    <span className={`badge tone-${look.tone}`}>
      <Icon name={look.icon} />
      {look.words}
    </span>
  );
}

/** A state inside running text or a table cell. */
export function State({ look }: { look: Look }): ReactElement {
  return (
    <span className={`state tone-${look.tone}`}>
      <Icon name={look.icon} />
      <span>{look.words}</span>
    </span>
  );
}
