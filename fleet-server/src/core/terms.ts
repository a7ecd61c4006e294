import { CodedError } from '@ringfleet/shared/errors';
import {
  AssignmentTerms,
  checkerOf,
  type MaintenanceWindow,
  type ShadowTerms,
} from '@ringfleet/shared/protocol';
import { loosenedLimit, type Manifest } from '@ringfleet/shared/release';
import { Cron } from 'croner';
import { type Static, Type } from 'typebox';
import { parseDuration } from './duration.ts';
import { parseShare } from './share.ts';
import type { TermsSpec } from './terms-schema.ts';

/** Terms as an assignment carries them to a device. */
export const Terms = Type.Object(AssignmentTerms);
export type Terms = Static<typeof Terms>;

/** Where the search for a window's first opening begins: any moment would do. */
const EPOCH = '1970-01-01T00:00:00';
const HOUR_MS = 3_600_000;
const check = checkerOf(Terms, 'the terms', 'PLAN_INVALID');

/** What a person wrote, with its defaults, as devices read it. Throws PLAN_INVALID naming the field. */
export function termsFromSpec({ window, shadow, ...rest }: TermsSpec, at: string): Terms {
  return check({
    ...rest,
    ...(window ? { window: windowFromSpec(window, `${at}/window`) } : {}),
    ...(shadow ? { shadow: shadowFromSpec(shadow, `${at}/shadow`) } : {}),
  });
}

/** The second where it says anything, else the first. */
export function mergedTerms(all: Terms | undefined, own: Terms | undefined): Terms | undefined {
  const merged = { ...all, ...own };
  return Object.keys(merged).length === 0 ? undefined : merged;
}

/** Of the way back to a good release: it waits for nobody's window or hold and sees no shadow; what tightens it still holds. */
export function termsOfRollback(before: Terms | null | undefined): Terms {
  const { maxBytesPerSecond, limits } = before ?? {};
  return {
    urgent: true,
    ...(maxBytesPerSecond === undefined ? {} : { maxBytesPerSecond }),
    ...(limits ? { limits } : {}),
  };
}

/** Devices would refuse a limit above the publisher's. Throws LIMITS_LOOSENED. */
export function requireTighter(manifest: Pick<Manifest, 'limits'>, terms: Terms | null | undefined): void {
  const loosened = loosenedLimit(manifest.limits, terms?.limits);
  if (!loosened) return;
  const [asked, signed] = [terms?.limits?.[loosened], manifest.limits[loosened]];
  throw new CodedError('LIMITS_LOOSENED', `${loosened} is ${asked}, the publisher signed ${signed}`);
}

function windowFromSpec(spec: NonNullable<TermsSpec['window']>, at: string): MaintenanceWindow {
  const { cron, timeZone } = spec;
  const flaw = flawOf(cron, timeZone);
  if (flaw !== null) throw new CodedError('PLAN_INVALID', `The window never opens: ${flaw}`, { at });
  const graceMs = duration(spec.grace, `${at}/grace`);
  if (graceMs < 60_000 || graceMs > 168 * HOUR_MS)
    throw new CodedError('PLAN_INVALID', 'A window stays open for 1m to 7d.', { at: `${at}/grace` });
  return { cron, timeZone, graceMs };
}

/** Why no device could ever read such a line, or null. */
function flawOf(cron: string, timezone: string): string | null {
  try {
    const next = new Cron(cron, { timezone, paused: true, mode: '5-part' }).nextRun(EPOCH);
    return next ? null : `"${cron}" never comes`;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  }
}

function shadowFromSpec(spec: NonNullable<TermsSpec['shadow']>, at: string): ShadowTerms {
  return {
    minInferences: spec.minInferences ?? 100,
    deadlineMs: spec.deadline === undefined ? 24 * HOUR_MS : duration(spec.deadline, `${at}/deadline`),
    samplePerMille: Math.max(1, perMille(spec.sample ?? '10%', `${at}/sample`)),
    minAgreementPerMille: perMille(spec.minAgreement ?? '0%', `${at}/minAgreement`),
  };
}

function duration(text: string, at: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new CodedError('PLAN_INVALID', `"${text}" is not a duration like 30m or 72h.`, { at });
  return ms;
}

function perMille(text: string, at: string): number {
  const basisPoints = parseShare(text);
  if (basisPoints === null)
    throw new CodedError('PLAN_INVALID', `"${text}" is not a share between 0% and 100%.`, { at });
  return Math.round(basisPoints / 10);
}
