import { answerAsked } from './answer-asked.ts';
import { type ClosedLoop, closedLoop, type LoadResult } from './closed-loop.ts';
import { type OpenLoop, openLoop } from './open-loop.ts';

/** The load generator, a process of its own. */
answerAsked<ClosedLoop | OpenLoop, LoadResult>((load) =>
  load.kind === 'open' ? openLoop(load) : closedLoop(load),
);
