import { CodedError } from '@ringfleet/shared/errors';
import type { ServerConfig } from './config.ts';

/** What failed to listen, in words that name the key to change; other errors come back as they are. */
export function asListenError(err: unknown, config: ServerConfig): unknown {
  if (!(err instanceof Error) || err instanceof CodedError) return err;
  const { code, port, address } = err as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') return err;
  const key = keyOf(port, config);
  if (key === null) return err;
  if (code === 'EADDRINUSE') {
    return new CodedError('PORT_IN_USE', `port ${port} (${key}) is taken`, { cause: err, at: key });
  }
  const message = `${address ?? 'the address'}, port ${port} (${key}): ${err.message}`;
  return new CodedError('ADDRESS_UNUSABLE', message, { cause: err, at: key });
}

function keyOf(port: number | undefined, { people, device, mqtt }: ServerConfig): string | null {
  const ports = {
    'people.port': people.port,
    'people.plainPort': people.plainPort,
    'device.port': device.port,
    'mqtt.port': mqtt.port,
  };
  return Object.entries(ports).find(([, value]) => value === port)?.[0] ?? null;
}
