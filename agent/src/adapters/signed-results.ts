import { createPrivateKey, sign } from 'node:crypto';
import { type Hello, type Results, type ResultsFile, resultsText } from '@ringfleet/shared/protocol';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { Identity } from './identity.ts';

/** What one visit carries away; the rest waits for the next. */
const WINDOW = { maxRows: 4_096, maxBytes: 4 * 1024 * 1024 };

export interface SignedResultsParts {
  /** As it is now: a certificate may have been renewed. */
  readonly identity: () => Promise<Identity>;
  readonly journal: Pick<Journal, 'window' | 'stats'>;
  readonly hello: () => Promise<Hello>;
  readonly clock: Clock;
}

/**
 * The waiting reports, signed with the key of the device's certificate. They stay in the outbox until a bundle brings the
 * server's acknowledgement; their numbers are on disk before anything is handed out.
 */
export async function signedResults(parts: SignedResultsParts): Promise<ResultsFile> {
  const { identity, journal, hello, clock } = parts;
  const { fleet, device, keyPem, certificatePem } = await identity();
  const reports = [...(await journal.window(WINDOW))];
  const { rows } = await journal.stats();
  const waiting = Math.max(0, rows - reports.length);
  const results: Results = { v: 1, at: clock.nowMs(), hello: await hello(), reports, waiting };
  const payload = JSON.stringify(results);
  const text = Buffer.from(resultsText(fleet, device, payload));
  const signature = sign('sha256', text, createPrivateKey(keyPem)).toString('base64');
  return { v: 1, fleet, device, certificate: certificatePem, signature, payload };
}
