import { stat } from 'node:fs/promises';

/**
 * Run by root on a state folder that belongs to the service's user, a verb goes on as that user: what it writes must be
 * readable for the service, and it needs no more rights than that. Does nothing for anybody else.
 */
export async function actAsOwner(stateDir: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const owner = await stat(stateDir).catch(() => null);
  if (!owner || owner.uid === 0) return;
  process.setgroups?.([owner.gid]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
  process.umask(0o077);
}
