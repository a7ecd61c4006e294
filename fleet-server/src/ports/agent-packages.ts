export interface AgentPackage {
  readonly file: string;
  readonly arch: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** The agent's packages of the server's own version. */
export interface AgentPackages {
  list(): Promise<readonly AgentPackage[]>;
  /** A listed package with its bytes; null for every other name. */
  open(name: string): Promise<{ readonly found: AgentPackage; readonly bytes: NodeJS.ReadableStream } | null>;
}
