import { fitsBeside } from '../core/memory-need.ts';

/** The memory of the whole device, for runners of all models: what is being loaded counts before it shows. */
export class MemoryRoom {
  readonly #freeBytes: () => number;
  #loadingBytes = 0;

  constructor(freeBytes: () => number) {
    this.#freeBytes = freeBytes;
  }

  hasRoomFor(needBytes: number): boolean {
    return fitsBeside(needBytes, this.#freeBytes() - this.#loadingBytes);
  }

  async during<T>(needBytes: number, load: () => Promise<T>): Promise<T> {
    this.#loadingBytes += needBytes;
    try {
      return await load();
    } finally {
      this.#loadingBytes -= needBytes;
    }
  }
}
