import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Principal } from '../../core/domain.ts';
import type { Tokens } from '../credentials.ts';
import type { Sessions } from '../sessions.ts';
import type { SetupCode } from '../setup-codes.ts';
import type { SignInGate } from '../sign-in-gate.ts';
import type { PeopleParts } from './parts.ts';

/** The ways in. */
export interface Doors {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly gate: SignInGate;
  readonly setup: SetupCode;
}

export const SessionView = Type.Object({ name: Type.String(), role: Type.String() });

export const sessionView = ({ name, role }: Principal): { name: string; role: string } => ({ name, role });

/** Who this name and password are. Throws SIGN_IN_REFUSED, SIGN_IN_LOCKED, SIGN_IN_BUSY. */
export async function byPassword(
  { stores, passwords, clock }: PeopleParts,
  gate: SignInGate,
  given: { readonly name: string; readonly password: string },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Principal> {
  const found = await gate.attempt(given.name, request, reply, async () => {
    const stored = await stores.people.passwordOf(given.name);
    const isRight = await passwords.verify(given.password, stored);
    return isRight ? stores.people.get(given.name) : null;
  });
  if (!found) throw new CodedError('SIGN_IN_REFUSED');
  await stores.people.signedIn(found.name, clock());
  return { kind: 'person', name: found.name, role: found.role };
}
