import { answerAsked } from './answer-asked.ts';
import { type ClosedLoop, closedLoop, type LoadResult } from './closed-loop.ts';

/** The load generator, a process of its own. */
answerAsked<ClosedLoop, LoadResult>((load) => closedLoop(load));
