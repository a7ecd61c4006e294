import fc from 'fast-check';
import { expect, it } from 'vitest';
import { effectsOf, keptOf } from './update-effects.ts';
import { BOOT_LIMIT, CUT_LIMIT, next, type UpdateEvent } from './update-machine.ts';
import { emptyState, type Job, keyOf, readState, type UpdateState } from './update-state.ts';

const ORDER = [
  'offered',
  'downloading',
  'verifying',
  'preflight',
  'ready',
  'shadow',
  'activating',
  'soaking',
];
const END_MS = 1_000;
const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;
const jobOf = (n: number, attempt: number): Job => ({
  version: `1.${n}.0`,
  digest: digest(n),
  manifestBytes: 1,
  releaseCounter: n,
  minReleaseCounter: n,
  variants: ['cpu'],
  attempt,
  generation: 1,
  soakMs: 1,
  minInferences: 1,
  soakDeadlineMs: 1,
  installBefore: END_MS,
});

/** The rules once more, as flat as they can be said: what a person would check with a pencil. */
interface Plain {
  phase: string;
  committed: number | null;
  previous: number | null;
  trying: { n: number; attempt: number } | null;
  barred: Map<number, number>;
  isAssigned: boolean;
  boots: number;
  cuts: number;
  /** The attempt with which each release was proven. */
  attempts: Map<number, number>;
}

const STEP: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  accepted: { offered: 'downloading' },
  downloaded: { downloading: 'verifying' },
  verified: { verifying: 'preflight' },
  preflightPassed: { preflight: 'ready' },
  shadowStarted: { ready: 'shadow' },
  windowOpened: { ready: 'activating', shadow: 'activating' },
  activated: { activating: 'soaking' },
};

function plainly(p: Plain, event: UpdateEvent, n: number, attempt: number): void {
  const rest = (): void => {
    p.phase = p.committed === null ? 'empty' : 'idle';
    p.isAssigned = true;
    p.trying = null;
  };
  const giveUp = (): void => {
    if (p.trying) p.barred.set(p.trying.n, p.trying.attempt);
    rest();
  };
  const isMine = p.trying?.n === n && p.trying.attempt === attempt;
  const isBarred = (p.barred.get(n) ?? -1) >= attempt;
  switch (event.type) {
    case 'assigned': {
      if (p.phase === 'rollingBack' || p.phase === 'removing') return;
      const isTrial = p.phase === 'activating' || p.phase === 'soaking';
      if (p.trying && isMine) return;
      if (p.committed === n) {
        if (p.trying) rest();
        return;
      }
      if (isTrial) return;
      if (isBarred) {
        if (p.trying) rest();
        else p.isAssigned = true;
        return;
      }
      Object.assign(p, { phase: 'offered', trying: { n, attempt }, boots: 0, cuts: 0 });
      return;
    }
    case 'unassigned':
      if (p.phase === 'empty') p.isAssigned = false;
      else Object.assign(p, { phase: 'removing', trying: null });
      return;
    case 'failed':
      if (isMine) giveUp();
      return;
    case 'booted': {
      if (!p.trying || event.lastEnd === 'clean') return;
      const isTrial = ORDER.indexOf(p.phase) >= ORDER.indexOf('preflight');
      if (event.lastEnd === 'crash') {
        if (p.boots === BOOT_LIMIT) giveUp();
        else p.boots += 1;
      } else if (isTrial) {
        if (p.cuts === CUT_LIMIT) giveUp();
        else p.cuts += 1;
      }
      return;
    }
    case 'soakPassed':
      if (!isMine || p.phase !== 'soaking') return;
      if (p.committed !== null) p.previous = p.committed;
      p.committed = n;
      rest();
      return;
    case 'regressed':
      if (p.phase !== 'idle' || p.committed !== n || p.previous === null) return;
      p.barred.set(n, p.attempts.get(n) ?? 0);
      p.phase = 'rollingBack';
      return;
    case 'rolledBack':
      if (p.phase === 'rollingBack')
        Object.assign(p, { phase: 'idle', committed: p.previous, previous: null });
      return;
    case 'removed':
      if (p.phase === 'removing')
        Object.assign(p, { phase: 'empty', committed: null, previous: null, isAssigned: false });
      return;
    default: {
      const to = STEP[event.type]?.[p.phase];
      if (!to || !isMine) return;
      if (event.type === 'windowOpened' && event.nowMs >= END_MS) {
        giveUp();
        return;
      }
      if (to === 'preflight') Object.assign(p, { boots: 0, cuts: 0 });
      p.phase = to;
    }
  }
}

const arbitrary = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  attempt: fc.integer({ min: 0, max: 1 }),
  isLate: fc.boolean(),
  /** How often in a row, of what can repeat itself. */
  times: fc.integer({ min: 1, max: 7 }),
  type: fc.constantFrom(
    'assigned',
    'assigned',
    // Mostly forwards, or nothing would ever be proven.
    ...Array<'forward'>(60).fill('forward'),
    'unassigned',
    'failed',
    'crash',
    'crash',
    'powerCut',
    'powerCut',
    'clean',
    'regressed',
    'rolledBack',
    'removed',
  ),
});

function eventOf(
  { n, attempt, isLate, type }: { n: number; attempt: number; isLate: boolean; type: string },
  state: UpdateState,
): { event: UpdateEvent; n: number; attempt: number } {
  const tried = 'job' in state ? state.job : null;
  const now = tried ? { n: Number(tried.version.split('.')[1]), attempt: tried.attempt } : { n, attempt };
  const job = jobOf(n, attempt);
  const key = `${digest(now.n)}#${now.attempt}`;
  const nowMs = isLate ? END_MS : 1;
  const forward: Readonly<Record<string, UpdateEvent>> = {
    offered: { type: 'accepted', key, variant: 'cpu', nowMs },
    downloading: { type: 'downloaded', key, nowMs },
    verifying: { type: 'verified', key, nowMs },
    preflight: { type: 'preflightPassed', key, nowMs },
    ready: isLate ? { type: 'shadowStarted', key, nowMs } : { type: 'windowOpened', key, nowMs: 1 },
    shadow: { type: 'windowOpened', key, nowMs: attempt === 0 ? 1 : nowMs },
    activating: { type: 'activated', key, baseline: null, nowMs },
    soaking: {
      type: 'soakPassed',
      key,
      isUnexercised: false,
      evidence: { answers: 1, failures: 0, fallbacks: 0, soakedMs: 1 },
      nowMs,
    },
  };
  switch (type) {
    case 'forward':
      return {
        event: forward[state.phase] ?? { type: 'assigned', job, nowMs },
        ...(forward[state.phase] ? now : { n, attempt }),
      };
    case 'unassigned':
      return { event: { type, generation: 1, nowMs }, n, attempt };
    case 'failed': {
      const one = isLate ? { n, attempt } : now;
      const about = keyOf(jobOf(one.n, one.attempt));
      return { event: { type, key: about, code: 'MODEL_LOAD_FAILED', reason: 'x', nowMs }, ...one };
    }
    case 'crash':
    case 'powerCut':
    case 'clean':
      return { event: { type: 'booted', lastEnd: type, nowMs }, n, attempt };
    case 'regressed': {
      // Of what is proven, mostly.
      const about = (isLate ? null : numberOf(state.committed)) ?? n;
      const event = { type, digest: digest(about), code: 'RELEASE_REGRESSED', reason: 'x', nowMs } as const;
      return { event, n: about, attempt };
    }
    case 'rolledBack':
    case 'removed':
      return { event: { type, nowMs }, n, attempt };
    default:
      return { event: { type: 'assigned', job, nowMs }, n, attempt };
  }
}

const numberOf = (one: { version: string } | null): number | null =>
  one === null ? null : Number(one.version.split('.')[1]);

it('keeps to the rules, whatever happens in whatever order', () => {
  const property = fc.property(fc.array(arbitrary, { minLength: 20, maxLength: 120 }), (steps) => {
    let state: UpdateState = emptyState('tiny', 0);
    const plain: Plain = {
      phase: 'empty',
      committed: null,
      previous: null,
      trying: null,
      barred: new Map(),
      attempts: new Map(),
      isAssigned: true,
      boots: 0,
      cuts: 0,
    };
    const all = steps.flatMap((step) =>
      Array<typeof step>(step.type === 'crash' || step.type === 'powerCut' ? step.times : 1).fill(step),
    );
    for (const drawn of all) {
      const { event, n, attempt } = eventOf(drawn, state);
      const before = state;
      const step = next(state, event);
      if (event.type === 'soakPassed' && plain.trying?.n === n) plain.attempts.set(n, attempt);
      plainly(plain, event, n, attempt);
      state = readState(JSON.parse(JSON.stringify(step.state)));
      expect(state.phase).toBe(plain.phase);
      expect(numberOf(state.committed)).toBe(plain.committed);
      expect(numberOf(state.previous)).toBe(plain.previous);
      expect(new Map(state.failed.map((one) => [Number(one.digest.at(-1)), one.attempt]))).toEqual(
        plain.barred,
      );
      if ('job' in state) expect(state.boots).toBe(plain.boots);
      if ('cuts' in state) expect(state.cuts).toBe(plain.cuts);
      if (state.phase === 'empty') expect(state.isAssigned).toBe(plain.isAssigned);
      // A floor is raised by a commit and by nothing else; an event that changes nothing reports nothing.
      expect(step.floor !== undefined).toBe(before.phase === 'soaking' && event.type === 'soakPassed');
      if (step.state === before) expect(step.reports).toEqual([]);
      const { serve } = effectsOf(state);
      const kept = new Set(keptOf(state).map((one) => one.digest));
      for (const one of [serve.active, serve.fallback, serve.spare])
        if (one) expect(kept.has(one.digest)).toBe(true);
    }
  });
  fc.assert(property, { numRuns: 500 });
});
