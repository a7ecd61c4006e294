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

/** What a candidate showed on the same live requests beside the active release, while it answered nobody. */
export const ShadowEvidence = Type.Object({
  /** INCONCLUSIVE: it did not fit, or too little was seen before the time was over. */
  verdict: Type.Union([Type.Literal('PASS'), Type.Literal('FAIL'), Type.Literal('INCONCLUSIVE')]),
  compared: Count,
  /** Same best class; without labels, every output within a thousandth. */
  agreed: Count,
  /** Requests that the active release answered and the candidate did not. */
  failures: Count,
  /** Requests that were not shown to it because it was busy. */
  dropped: Count,
  /** Mean distance of the outputs in thousandths: 0 is the same, 1000 as far as can be. */
  distancePerMille: Count,
  /** Upper bound of the median's bin, of the candidate and of the active release. */
  latencyUs: Count,
  activeLatencyUs: Count,
  memoryBytes: Count,
  activeMemoryBytes: Count,
});
export type ShadowEvidence = Static<typeof ShadowEvidence>;

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
  /** What keeps the candidate from going on, while it is neither at work nor failed: a hold, a closed window. */
  waiting: Type.Optional(Type.Object({ code: Code, reason: Sentence, until: Type.Optional(EpochMs) })),
  /** Evidence of a finished soak or shadow in plain counts, for the gate and for people. */
  evidence: Type.Optional(
    Type.Object({
      answers: Count,
      failures: Count,
      fallbacks: Count,
      soakedMs: Count,
      sentence: Type.Optional(Sentence),
      shadow: Type.Optional(ShadowEvidence),
    }),
  ),
  since: EpochMs,
});
export type StateReport = Static<typeof StateReport>;
