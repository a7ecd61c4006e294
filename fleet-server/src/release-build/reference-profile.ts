import type { FeatureSpec, ReferenceProfile } from '@ringfleet/shared/release';
import {
  buildFeatureProfile,
  ExpectationCheck,
  featureValues,
  withAlarmLimits,
} from '@ringfleet/shared/stats';
import { numbersOf, rounderOf } from '@ringfleet/shared/v2';
import type { ModelSession } from '../adapters/model-session.ts';
import type { Table } from './csv-table.ts';
import { predictedClasses, runTable } from './evaluate.ts';
import type { IoSignature } from './io-signature.ts';
import type { ReleaseSource } from './release-source.ts';

/**
 * What the model sees and answers on its training data: a profile per watched feature, the predicted classes and how
 * sure the model was. The values are read back from the tensors, so that they are rounded as on the device.
 */
export async function referenceProfile(
  session: ModelSession,
  io: IoSignature,
  table: Table,
  source: ReleaseSource,
  progress: (line: string) => void,
): Promise<ReferenceProfile> {
  const features: readonly FeatureSpec[] = source.features ?? [];
  const values = features.map((): number[] => []);
  const classes = source.labels?.names.map(() => 0);
  const confidence: number[] = [];
  for await (const batch of runTable(session, io, table)) {
    for (const [i, feature] of features.entries()) {
      const tensor = batch.inputs.find((input) => input.name === feature.input);
      if (tensor) values[i]?.push(...featureValues(feature, numbersOf(tensor), batch.count));
    }
    if (!source.labels || !classes) continue;
    for (const prediction of predictedClasses(source.labels, batch)) {
      classes[prediction.index] = (classes[prediction.index] ?? 0) + 1;
      confidence.push(prediction.confidence);
    }
  }
  for (const [i, feature] of features.entries()) {
    const datatype = io.inputs.find((input) => input.name === feature.input)?.datatype ?? 'FP32';
    const broken = brokenBy(feature, rounderOf(datatype), values[i] ?? []);
    if (broken > 0)
      progress(`feature ${feature.name}: ${broken} of ${table.rows} reference rows break its own \`expect\``);
  }
  const isOrdered = source.data.isOrdered ?? false;
  const profileOf = (name: string, of: readonly number[], canStick: boolean) =>
    withAlarmLimits(buildFeatureProfile(name, of), of, { isOrdered, canStick });
  return {
    samples: table.rows,
    features: features.map(({ name }, i) => profileOf(name, values[i] ?? [], true)),
    ...(classes ? { classes, confidence: profileOf('confidence', confidence, false) } : {}),
  };
}

/** Values of the training data that a device would count as violations. */
function brokenBy({ expect }: FeatureSpec, round: (x: number) => number, values: readonly number[]): number {
  if (!expect) return 0;
  const check = new ExpectationCheck(expect, round);
  return values.filter((value) => check.of(value) !== undefined).length;
}
