import { noFakeClock } from '../integration/fake-clock.ts';
import { whyNoLab } from '../lab/requirements.ts';

/** Why no faults can be injected here, in one sentence; null when they can. */
export const whyNoFaults = (): string | null =>
  whyNoLab({ strace: 'strace', fsfreeze: 'util-linux', nft: 'nftables', tc: 'iproute2' }) ??
  (noFakeClock === null ? null : `turning the clock ${noFakeClock}`);
