import { isMoving, runsWanted } from '../devices/device-words.ts';
import { stoppedRing } from '../rollouts/rollout-words.ts';
import { texts } from '../texts.ts';
import type { Device, Overview, Rollout } from '../views.ts';

/** One thing that is wrong, as a sentence, and where on the page it stands. */
export interface Finding {
  readonly tone: 'bad' | 'warn';
  readonly sentence: string;
  /** Why, when there is more to say than the sentence holds. */
  readonly detail: string | null;
  readonly href: string;
}

export interface Headline {
  readonly tone: 'ok' | 'moving' | 'quiet' | 'warn' | 'bad';
  readonly sentence: string;
  /** The worst first; the first one is the headline. */
  readonly findings: readonly Finding[];
}

export interface FleetNow {
  readonly overview: Overview;
  /** Newest first. */
  readonly rollouts: readonly Rollout[];
  readonly devices: readonly Device[];
  /** False when the fleet is larger than what was read: nothing is then claimed about the rest. */
  readonly hasAllDevices: boolean;
}

const words = texts.now;
const NAMES_SHOWN = 3;

/** What is wrong right now in one sentence, or that nothing is. */
export function headlineOf(now: FleetNow): Headline {
  const findings = [...rolloutFindings(now.rollouts), ...deviceFindings(now)];
  const worst = findings.find(({ tone }) => tone === 'bad') ?? findings[0];
  if (worst) {
    return {
      tone: worst.tone,
      sentence: worst.sentence,
      findings: [worst, ...findings.filter((one) => one !== worst)],
    };
  }
  return { ...wellOf(now), findings: [] };
}

function wellOf({ overview, devices, hasAllDevices }: FleetNow): Pick<Headline, 'tone' | 'sentence'> {
  const { total } = overview.devices;
  if (total === 0) return { tone: 'quiet', sentence: words.noDevices };
  const moving = devices.filter(({ models }) => models.some(isMoving)).length;
  if (moving > 0) return { tone: 'moving', sentence: words.moving(moving) };
  if (!hasAllDevices) return { tone: 'ok', sentence: words.wellLoaded(devices.length, total) };
  if (devices.every(({ models }) => models.every((model) => !model.desired)))
    return { tone: 'quiet', sentence: words.idle(total) };
  return { tone: 'ok', sentence: words.wellAll(total) };
}

/** Only the newest rollout of a model speaks for it: what a later one mended is no longer wrong. */
function rolloutFindings(rollouts: readonly Rollout[]): Finding[] {
  const newest = new Map<string, Rollout>();
  for (const rollout of rollouts.toSorted((a, b) => b.createdAtMs - a.createdAtMs)) {
    if (!newest.has(rollout.model)) newest.set(rollout.model, rollout);
  }
  return [...newest.values()].flatMap((rollout): Finding[] => {
    const release = `${rollout.model} ${rollout.version}`;
    const href = `#rollout-${rollout.id}`;
    if (rollout.state === 'halted') {
      const ring = stoppedRing(rollout);
      const sentence = words.haltedOn(release, ring?.plan.ring ?? null);
      return [{ tone: 'bad', sentence, detail: ring?.gate?.sentence ?? rollout.reason, href }];
    }
    return rollout.state === 'paused'
      ? [{ tone: 'warn', sentence: words.pausedOn(release), detail: rollout.reason, href }]
      : [];
  });
}

function deviceFindings({ devices }: FleetNow): Finding[] {
  const active = devices.filter(({ status }) => status === 'active');
  const cloned = devices.filter(({ status }) => status === 'cloned');
  const offline = active.filter(({ isConnected }) => !isConnected);
  // Offline and moving devices are on their way as far as anybody can tell: they are counted elsewhere.
  const behind = active.filter(
    ({ isConnected, models }) =>
      isConnected && models.some((model) => !isMoving(model) && !runsWanted(model)),
  );
  const finding = (
    tone: Finding['tone'],
    found: readonly Device[],
    say: (n: number, names: string) => string,
  ): Finding[] =>
    found.length === 0
      ? []
      : [{ tone, sentence: say(found.length, namesOf(found)), detail: null, href: '#devices' }];
  return [
    ...finding('bad', cloned, words.cloned),
    ...finding('bad', behind, words.behind),
    ...finding('warn', offline, words.offline),
  ];
}

function namesOf(devices: readonly Device[]): string {
  const shown = devices.slice(0, NAMES_SHOWN).map(({ id }) => id);
  return words.names(shown, devices.length - shown.length);
}
