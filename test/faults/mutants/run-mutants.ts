import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { faultsAlong } from '../kinds/durable-steps.ts';
import type { Fault } from '../kinds/kind.ts';
import type { Lab } from '../lab/bench.ts';
import type { Device } from '../lab/device.ts';
import { FAMILIES } from '../registry.ts';
import { buildMutant } from './build-mutant.ts';
import type { Mutant, Trial } from './mutants.ts';

export interface MutantResult {
  readonly name: string;
  readonly file: string;
  /** The case that told it, with what was wrong; null when none did. */
  readonly killedBy: string | null;
  /** Cases that it came through. */
  readonly survived: number;
  readonly equivalent: string | null;
  readonly tookMs: number;
}

/** Caught, or said not to be. */
export const isAsSaid = ({ killedBy, equivalent }: MutantResult): boolean =>
  (killedBy === null) === (equivalent !== null);

/** Runs each mutant on a device that the healthy agent brought to 1.0.0, until a case tells it. */
export async function runMutants(
  lab: Lab,
  mutants: readonly Mutant[],
  onResult: (result: MutantResult) => void,
): Promise<readonly MutantResult[]> {
  const device = await lab.device('d-1');
  const healthy = device.bundle;
  const dir = join(lab.dir, 'mutants');
  mkdirSync(dir);
  const results: MutantResult[] = [];
  for (const mutant of mutants) {
    const startedAt = performance.now();
    device.bundle = await buildMutant(mutant, dir);
    const { killedBy, survived } = await tryOne(lab, device, mutant);
    device.bundle = healthy;
    const { name, file, equivalent = null } = mutant;
    const tookMs = Math.round(performance.now() - startedAt);
    const result = { name, file, killedBy, survived, equivalent, tookMs };
    results.push(result);
    onResult(result);
  }
  return results;
}

async function tryOne(
  lab: Lab,
  device: Device,
  { trials }: Mutant,
): Promise<Pick<MutantResult, 'killedBy' | 'survived'>> {
  let survived = 0;
  for (const trial of trials) {
    const givenUp = async (err: unknown): Promise<string> => {
      await device.abandon();
      return wordsOf(err);
    };
    const faults = await faultsOf(lab, device, trial).catch(givenUp);
    // It does not even come through what nobody has hurt.
    if (typeof faults === 'string')
      return { killedBy: `an update without any fault: ${faults.slice(0, SAID_CHARS)}`, survived };
    for (const fault of faults) {
      const outcome = await fault.run(device).catch(givenUp);
      const [flaw] = typeof outcome === 'string' ? [outcome] : outcome.flaws;
      if (flaw !== undefined) {
        return {
          killedBy: `${fault.kind} ${fault.state} ${fault.at}: ${flaw.slice(0, SAID_CHARS)}`,
          survived,
        };
      }
      if (typeof outcome !== 'string' && outcome.proof !== null) survived += 1;
    }
  }
  return { killedBy: null, survived };
}

async function faultsOf(
  lab: Lab,
  device: Device,
  { kind, states, at, along }: Trial,
): Promise<readonly Fault[]> {
  const families = FAMILIES.filter((family) => family.kinds.includes(kind));
  const all = along
    ? await faultsAlong(lab, device, along.journey)
    : (await Promise.all(families.map((family) => family.faults(lab, device)))).flat();
  const found = all.filter(
    (fault) => fault.kind === kind && states.includes(fault.state) && (!at || at.test(fault.at)),
  );
  if (!along) return found;
  // The last ones first: the more is behind it, the more there is to lose.
  const stride = Math.max(1, Math.ceil(found.length / along.most));
  return found.toReversed().filter((_, i) => i % stride === 0);
}

const SAID_CHARS = 160;
const wordsOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));
