import type { Tone } from '../design/badge.tsx';
import type { IconName } from '../design/icon.tsx';
import type { FleetEvent } from '../views.ts';

const BAD = /HALT|FAIL|ROLLED_BACK|ROLLBACK|ROLLING_BACK|CLONE|REVOKED|REGRESS|REFUSED|REJECT|QUARANTINE/;
const WARN = /PAUSE|DISCONNECT|OFFLINE|YANK|UNEXERCISED|DOWNGRADE|LATE/;
const GOOD = /PASS|COMPLETE|COMMIT|PROVEN/;

interface Mark {
  readonly tone: Tone;
  readonly icon: IconName;
}

/** How an event is marked. Codes are open: what is not known is neutral. */
export function eventMark(event: FleetEvent): Mark {
  return markOfData(event.data) ?? markOfCode(event);
}

/** Transitions and reports of devices carry what they mean beside their code. */
function markOfData({ code, to, from, severity }: FleetEvent['data']): Mark | null {
  if (typeof code === 'string' && to !== undefined) return { tone: 'bad', icon: 'failed' };
  if (to === 'rollingBack') return { tone: 'bad', icon: 'back' };
  if (to === 'idle' && from === 'soaking') return { tone: 'ok', icon: 'check' };
  if (severity === 'error') return { tone: 'bad', icon: 'failed' };
  return severity === 'warning' ? { tone: 'warn', icon: 'warning' } : null;
}

function markOfCode(event: FleetEvent): Mark {
  if (BAD.test(event.code)) return { tone: 'bad', icon: 'failed' };
  if (WARN.test(event.code)) return { tone: 'warn', icon: 'warning' };
  if (GOOD.test(event.code)) return { tone: 'ok', icon: 'check' };
  switch (event.kind) {
    case 'device':
      return { tone: 'quiet', icon: 'link' };
    case 'state':
      return { tone: 'quiet', icon: 'dot' };
    case 'rollout':
      return { tone: 'moving', icon: 'moving' };
    case 'release':
      return { tone: 'quiet', icon: 'layers' };
    case 'ring':
      return { tone: 'quiet', icon: 'ring' };
    case 'alert':
      return { tone: 'warn', icon: 'warning' };
    default:
      return { tone: 'quiet', icon: 'dot' };
  }
}
