import { type Static, Type } from 'typebox';
import { Code, Count, EpochMs, Name, RunningDigest, Sentence, Uuid, Version } from './ids.ts';

/** Phases of the update machine (DESIGN §6). */
export const Phase = Type.Union([
  Type.Literal('empty'),
  Type.Literal('offered'),
  Type.Literal('downloading'),
  Type.Literal('verifying'),
  Type.Literal('preflight'),
  Type.Literal('ready'),
  Type.Literal('shadow'),
  Type.Literal('activating'),
  Type.Literal('soaking'),
  Type.Literal('idle'),
  Type.Literal('rollingBack'),
  Type.Literal('removing'),
]);
export type Phase = Static<typeof Phase>;

/** `up/state`: one per transition of one model's update machine. */
export const StateReport = Type.Object({
  model: Name,
  phase: Phase,
  /** Before this transition. */
  from: Phase,
  generation: Count,
  attempt: Count,
  rollout: Type.Optional(Uuid),
  /** The release this transition is about: the candidate while one moves, else what is committed. */
  release: Type.Optional(Type.Object({ version: Version, digest: Type.String({ maxLength: 80 }) })),
  /** What answers requests now. Absent while the model is empty. */
  running: Type.Optional(RunningDigest),
  /** True when what runs has been committed by this device. */
  isCommitted: Type.Boolean(),
  /** True when the release was committed at its soak deadline without the minimum of inferences. */
  isUnexercised: Type.Optional(Type.Boolean()),
  /** Why the candidate was given up, when it was. */
  failure: Type.Optional(
    Type.Object({
      code: Code,
      reason: Sentence,
      /** The phase in which it failed. */
      phase: Phase,
    }),
  ),
  /** Evidence of a finished soak or preflight in plain counts, for the gate and for people. */
  evidence: Type.Optional(
    Type.Object({
      answers: Count,
      failures: Count,
      fallbacks: Count,
      soakedMs: Count,
      sentence: Type.Optional(Sentence),
    }),
  ),
  since: EpochMs,
});
export type StateReport = Static<typeof StateReport>;
