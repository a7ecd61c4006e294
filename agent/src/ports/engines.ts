/** What providers compiled for this device: TensorRT's engines, OpenVINO's cache. All of it can be made again. */
export interface Engines {
  /** Removes what was compiled of all other releases. `digests` is asked after the folders were listed. */
  keepOnly(digests: () => readonly string[]): Promise<void>;
}
