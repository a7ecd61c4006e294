import type { Fault } from './faults.ts';

/** The agent's process ends here, and with it everything that is not on the disk. */
export class AgentDied extends Error {
  override readonly name = 'AgentDied';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault);
    this.fault = fault;
  }
}
