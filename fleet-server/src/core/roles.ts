import type { Role } from './domain.ts';

/** Lowest first: each role may do what the ones before it may. */
export const ROLES = ['viewer', 'operator', 'publisher', 'admin'] as const satisfies readonly Role[];

export const allows = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

export const lowerRole = (a: Role, b: Role): Role => (allows(a, b) ? b : a);

export const highestRole = (roles: readonly Role[]): Role | null =>
  ROLES.findLast((role) => roles.includes(role)) ?? null;
