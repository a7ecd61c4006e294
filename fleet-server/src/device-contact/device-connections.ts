import type { TLSSocket } from 'node:tls';
import { CodedError } from '@ringfleet/shared/errors';
import type { DeviceIdentity, Identify } from './identify.ts';

/** A device needs one MQTT connection and four for HTTP; a few more may linger after a power cut. */
const MAX_PER_DEVICE = 16;

interface Live {
  readonly identity: DeviceIdentity;
  readonly socket: TLSSocket;
}

/** The live connections of each device, on both listeners: counted, and cut when what opened them is no longer valid. */
export class DeviceConnections {
  readonly #live = new Map<string, Set<Live>>();
  readonly #known = new WeakSet<TLSSocket>();
  readonly #identify: Identify;

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  /** Who is at the other end; the connection is followed from here. Throws CERTIFICATE_NOT_VALID, TOO_MANY_CONNECTIONS. */
  async admit(socket: TLSSocket): Promise<DeviceIdentity> {
    const identity = await this.#identify(socket);
    if (this.#known.has(socket)) return identity;
    const all = this.#live.get(identity.device) ?? new Set<Live>();
    if (all.size >= MAX_PER_DEVICE) {
      throw new CodedError('TOO_MANY_CONNECTIONS', `${identity.device} already has ${all.size} connections`);
    }
    const one = { identity, socket };
    all.add(one);
    this.#live.set(identity.device, all);
    this.#known.add(socket);
    socket.once('close', () => {
      all.delete(one);
      if (all.size === 0 && this.#live.get(identity.device) === all) this.#live.delete(identity.device);
    });
    // It may have been revoked since it was looked up, just before it could be cut.
    return this.#identify(socket);
  }

  /** Cuts those connections of a device whose certificate is no longer valid. */
  async recheck(device: string): Promise<void> {
    for (const { socket } of [...(this.#live.get(device) ?? [])]) {
      await this.#identify(socket).catch((err: unknown) => {
        socket.destroy(err instanceof Error ? err : undefined);
      });
    }
  }

  /** Cuts everything whose certificate has ended, by time as well. */
  async recheckAll(): Promise<void> {
    for (const device of [...this.#live.keys()]) await this.recheck(device);
  }
}
