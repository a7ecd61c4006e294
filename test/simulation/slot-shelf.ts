export interface Slot {
  readonly version: string;
  readonly digest: string;
  /** The digest of the release that each of its three files belongs to. */
  readonly files: string[];
  isVerified: boolean;
  /** Bytes went bad on the disk: it cannot be loaded any more. */
  isRotten: boolean;
}

/** The folders of installed releases: they outlive the process, half written ones too. */
export class SlotShelf {
  readonly #slots = new Map<string, Map<string, Slot>>();

  slots(model: string): Slot[] {
    return [...(this.#slots.get(model)?.values() ?? [])];
  }

  models(): string[] {
    return [...this.#slots.keys()];
  }

  byDigest(model: string, digest: string): Slot | null {
    return this.slots(model).find((slot) => slot.digest === digest) ?? null;
  }

  /** Writes a slot file by file; `between` may end the process. What was half there is written anew. */
  install(model: string, version: string, digest: string, between: () => void): Slot {
    const slot: Slot = { version, digest, files: [], isVerified: false, isRotten: false };
    const shelf = this.#slots.get(model) ?? new Map<string, Slot>();
    this.#slots.set(model, shelf);
    shelf.set(version, slot);
    for (let i = 0; i < 3; i++) {
      between();
      slot.files.push(digest);
    }
    slot.isVerified = true;
    return slot;
  }

  keepOnly(model: string, versions: readonly string[], between: () => void): void {
    for (const { version } of this.slots(model)) {
      if (versions.includes(version)) continue;
      between();
      this.#slots.get(model)?.delete(version);
    }
  }

  /** Whether a runner would start from it. */
  isLoadable(model: string, digest: string): boolean {
    const slot = this.byDigest(model, digest);
    return (
      slot !== null && slot.files.length === 3 && slot.files.every((f) => f === digest) && !slot.isRotten
    );
  }
}
