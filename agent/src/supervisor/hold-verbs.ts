import type { Clock } from '../ports/clock.ts';
import type { HoldStore } from '../ports/update-policy.ts';
import type { AgentSupervisor } from './agent-supervisor.ts';
import type { ControlVerbs } from './control-server.ts';

/** What `ringfleet-agent hold` and `release` ask for; both are events, so that nobody wonders why a device stays behind. */
export function holdVerbs(file: HoldStore, agent: AgentSupervisor, clock: Clock): ControlVerbs {
  const told = async (code: 'HOLD_SET' | 'HOLD_RELEASED', message: string): Promise<unknown> => {
    agent.policyChanged();
    await agent.report({ kind: 'lifecycle', severity: 'info', code, message: message.slice(0, 1000) });
    return { hold: file.current };
  };
  return {
    hold: async (reason) => {
      await file.set({ reason: reason.slice(0, 500) || 'no reason was given', sinceMs: clock.nowMs() });
      return told('HOLD_SET', `updates are held at the device: ${file.current?.reason}`);
    },
    release: async () => {
      await file.release();
      return told('HOLD_RELEASED', 'updates go on');
    },
  };
}
