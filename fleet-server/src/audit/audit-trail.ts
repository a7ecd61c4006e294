import type { Signer } from '@ringfleet/shared/trust';
import type { Clock, Log } from '../ports/log.ts';
import type { AuditMark, AuditProblem, AuditStore } from '../ports/stores.ts';
import { type Checkpoint, isSignedBy, signCheckpoint } from './checkpoint.ts';
import type { CheckpointFile } from './checkpoint-file.ts';

export interface AuditVerdict {
  readonly rows: number;
  readonly head: AuditMark | null;
  /** Checkpoints of this server's key that were compared. */
  readonly checkpoints: number;
  /** Lines of the file that are no checkpoint, or are of an earlier online key. */
  readonly unusable: number;
  readonly problem: AuditProblem | null;
}

interface Parts {
  readonly store: AuditStore;
  readonly file: CheckpointFile;
  readonly signer: Signer;
  readonly fleet: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The audit log with its signed checkpoints: whoever rewrites the database has to rewrite every copy of them, too. */
export class AuditTrail {
  readonly #parts: Parts;
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Writes a checkpoint now and from time to time. */
  start(everyMs: number): void {
    const work = (): void => {
      this.checkpoint().catch((err: unknown) =>
        this.#parts.log.error({ err, component: 'audit' }, 'checkpoint failed'),
      );
    };
    work();
    this.#timer = setInterval(work, everyMs).unref();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.checkpoint();
  }

  /** Signs where the log stands; does nothing when the newest checkpoint says it already. */
  async checkpoint(): Promise<void> {
    const next = this.#last.then(() => this.#write());
    this.#last = next.catch(() => {});
    await next;
  }

  async checkpoints(): Promise<readonly Checkpoint[]> {
    return (await this.#parts.file.read()).checkpoints;
  }

  /** `outside`: marks from copies that were kept elsewhere. */
  async verify(outside: readonly AuditMark[] = []): Promise<AuditVerdict> {
    const { file, signer, store } = this.#parts;
    const { checkpoints, damaged } = await file.read();
    const ours = checkpoints.filter(({ keyid }) => keyid === signer.keyid);
    const forged = ours.find((checkpoint) => !isSignedBy(checkpoint, signer.publicKey));
    const { rows, head, problem } = await store.verify([...ours, ...outside]);
    return {
      rows,
      head,
      problem: problem ?? (forged ? { code: 'AUDIT_CHECKPOINT_INVALID', seq: forged.seq } : null),
      checkpoints: ours.length,
      unusable: damaged + checkpoints.length - ours.length,
    };
  }

  async #write(): Promise<void> {
    const { store, file, signer, fleet, clock } = this.#parts;
    const head = await store.head();
    if (!head) return;
    const newest = (await file.read()).checkpoints.at(-1);
    if (newest && newest.hash === head.hash && newest.keyid === signer.keyid) return;
    // A log that lost rows is not vouched for: the older checkpoint has to stay the newest one.
    if (newest && newest.seq > head.seq) return;
    await file.append(signCheckpoint({ fleet, ...head, atMs: clock() }, signer));
  }
}
