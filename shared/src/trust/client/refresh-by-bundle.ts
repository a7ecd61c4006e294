import { type Bundle, type BundleCheck, verifyBundle } from '../bundle.ts';
import { readRoot } from '../root.ts';
import { attempt } from './attempt.ts';
import { BUNDLE_ROLE, checkNotBehindBundle, snapshotOf } from './bundle-view.ts';
import { checkFirstRoles } from './minimums.ts';
import { factoryRoot, loadTargets, refreshRoot, type StoredMetadata, type Workflow } from './refresh.ts';
import type { ClientRules } from './rules.ts';
import { adoptSnapshot, checkNothingWentBack, checkRootExpiry, type TrustedSet } from './trusted-set.ts';

export interface BundleView {
  readonly set: TrustedSet;
  readonly bundle: Bundle;
}

/**
 * The client workflow for a device without a network: 5.2 to 5.6 for the top-level roles, with the director's bundle in the
 * place of timestamp (5.4: the newest there is, not older than before, in date) and snapshot (5.5: one consistent view).
 */
export function* refreshByBundle(
  stored: StoredMetadata,
  text: string,
  check: BundleCheck,
  rules: ClientRules,
): Workflow<BundleView> {
  // 5.2 - 5.3.9: every root of the chain, by the keys of the one before it.
  let set = yield* refreshRoot(stored, check.nowMs, rules);
  // 5.4.2 - 5.4.4, 5.5.3, 5.5.6: signed, not older than the last bundle, in date.
  const bundle = verifyBundle(readRoot(Buffer.from(set.root.bytes).toString()), text, check);
  // 5.1: no clock can be right that stands before what the director signed.
  set = { ...set, nowMs: Math.max(set.nowMs, bundle.issuedAt) };
  // 5.3.10
  checkRootExpiry(set);
  const old = stored.roles.get('snapshot');
  const known = old && attempt(() => adoptSnapshot(set, old));
  const snapshot = snapshotOf(bundle, text);
  set = { ...set, snapshot };
  // 5.5.5: neither what came over the network nor what came by hand may go away or go back.
  if (known?.snapshot) checkNothingWentBack('snapshot', known.snapshot.signed.meta, snapshot.signed);
  checkNotBehindBundle(set, stored);
  const isFirst = old === undefined && !stored.roles.has(BUNDLE_ROLE);
  if (isFirst && stored.minimum) checkFirstRoles(set, factoryRoot(set, stored), stored.minimum);
  // 5.6
  set = yield* loadTargets(set, stored, 'targets', 'root');
  // 5.5.7
  yield { type: 'keep', role: BUNDLE_ROLE, version: bundle.version, bytes: Buffer.from(text) };
  return { set, bundle };
}
