import type { Lab } from '../lab/bench.ts';
import { UPDATE } from '../lab/journeys.ts';
import { RealServer } from '../lab/real-server.ts';
import type { CaseResult, FaultFamily } from './kind.ts';

/** kill -9 of the real server, with the real agent in every state of an update; one after the other. */
export const serverKills: FaultFamily = {
  kinds: ['server killed'],
  async faults(lab: Lab) {
    let queue: Promise<unknown> = Promise.resolve();
    return ['idle', ...UPDATE.states].map((state) => ({
      kind: 'server killed',
      state,
      at: 'server process',
      run() {
        const turn = queue.then(() => killIn(lab, state));
        queue = turn.catch(() => undefined);
        return turn;
      },
    }));
  },
};

async function killIn(lab: Lab, state: string): Promise<Omit<CaseResult, 'kind' | 'tookMs'>> {
  const server = await lab.realServer(() => RealServer.start());
  const version = await server.killIn(state);
  const flaws = server.flaws();
  return {
    state,
    at: 'server process',
    proof: 'SIGKILL of the server, and started again',
    version,
    flaws,
    servingMs: null,
  };
}
