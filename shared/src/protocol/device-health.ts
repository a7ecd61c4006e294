import { type Static, Type } from 'typebox';
import { Count } from './ids.ts';

const Word = Type.String({ maxLength: 64 });
const PerMille = Type.Integer({ minimum: 0, maximum: 1_000 });

/** How the machine is, as far as its kernel tells: whatever it does not tell is absent. */
export const DeviceHealth = Type.Object({
  /** Since the machine was started. */
  bootedMs: Type.Optional(Count),
  /** Starts of the agent under this identity, ever. */
  agentStarts: Type.Optional(Count),
  /** Share of all processors that was busy since the last report. */
  cpuBusyPerMille: Type.Optional(PerMille),
  memoryTotalBytes: Type.Optional(Count),
  memoryAvailableBytes: Type.Optional(Count),
  swapUsedBytes: Type.Optional(Count),
  /** Programs that the kernel ended for want of memory, since the start of the machine. */
  oomKills: Type.Optional(Count),
  /** The hottest sensor; thousandths of a degree Celsius. */
  hottest: Type.Optional(
    Type.Object({ zone: Word, milliCelsius: Type.Integer({ minimum: -100_000, maximum: 300_000 }) }),
  ),
  /** How often a processor was slowed down for its heat, since the start; and what of its top frequency it may use now. */
  throttled: Type.Optional(
    Type.Object({ times: Type.Optional(Count), frequencyPerMille: Type.Optional(PerMille) }),
  ),
  /** The file system of the agent's state. */
  disk: Type.Optional(Type.Object({ totalBytes: Count, freeBytes: Count, inodesFree: Count })),
  /** Of flash storage: the used share of its life, and what it says of its reserve. */
  wear: Type.Optional(
    Type.Object({
      block: Word,
      usedPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 110 })),
      reserve: Type.Optional(
        Type.Union([Type.Literal('normal'), Type.Literal('warning'), Type.Literal('urgent')]),
      ),
    }),
  ),
  power: Type.Optional(
    Type.Object({
      isOnMains: Type.Optional(Type.Boolean()),
      batteryPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
      battery: Type.Optional(Word),
    }),
  ),
  /** The network interface of the default route. */
  link: Type.Optional(
    Type.Object({
      name: Word,
      state: Type.Optional(Word),
      speedMbps: Type.Optional(Count),
      signalDbm: Type.Optional(Type.Integer({ minimum: -200, maximum: 50 })),
      /** Packets that were received or sent wrong, since the interface is up. */
      errors: Type.Optional(Count),
    }),
  ),
});
export type DeviceHealth = Static<typeof DeviceHealth>;
