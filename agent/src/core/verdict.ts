import type { ModelStory } from './model-story.ts';

/** One sentence over all of it: is the device doing its work, and must somebody do something? */
export function verdictOf(agent: {
  readonly isConnected: boolean;
  readonly isHeld: boolean;
  /** Whether the state folder takes writes. */
  readonly isWritable: boolean;
  readonly stories: readonly ModelStory[];
}): string {
  const { stories, isConnected, isHeld, isWritable } = agent;
  const assigned = stories.filter((one) => one.version !== null || one.why !== 'not assigned');
  const silent = assigned.filter((one) => one.version === null && one.next === null);
  const troubled = assigned.filter((one) => !one.isWell && one.next === null);
  const busy = assigned.filter((one) => one.next !== null);
  const names = (some: readonly ModelStory[]): string => some.map((one) => one.model).join(', ');
  const link = isConnected ? '' : '; the server is not reached, reports wait';
  if (silent.length > 0) return `attention: nothing answers for ${names(silent)}${link}`;
  if (!isWritable) return `attention: the disk takes no writes, updates and reports wait${link}`;
  if (troubled.length > 0) return `attention: a release of ${names(troubled)} was given up${link}`;
  const moving = busy.filter((one) => !one.isWaiting);
  if (moving.length > 0) return `busy: ${names(moving)} changes${isHeld ? ' when the hold ends' : ''}${link}`;
  const ends = isHeld ? 'the hold ends' : 'it may (see next)';
  if (busy.length > 0) return `waiting: ${names(busy)} changes when ${ends}${link}`;
  if (assigned.length === 0) return `idle: no model is assigned${link}`;
  return `well: all ${assigned.length} assigned models answer${link}`.replace(
    'all 1 assigned models answer',
    'the assigned model answers',
  );
}
