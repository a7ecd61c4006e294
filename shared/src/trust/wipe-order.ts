import { type Static, Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { EpochMs, Id, Uuid } from '../protocol/ids.ts';
import { checkExpiry, tufTime } from './read-document.ts';
import { verifySignatures } from './signatures.ts';
import { parseDocument } from './signed-document.ts';
import type { Root, SignedPart } from './types.ts';

/** An order that lies about for longer could be forgotten before it is carried out. */
export const MAX_WIPE_MS = 90 * 86_400_000;

const Order = Type.Object({
  _type: Type.Literal('wipe'),
  /** Names this order for ever: it is carried out once per device. */
  order: Uuid,
  fleet: Id,
  devices: Type.Array(Id, { minItems: 1, maxItems: 1_000 }),
  issuedAt: EpochMs,
  expires: EpochMs,
  reason: Type.String({ maxLength: 200 }),
});
/** That these devices erase themselves; times are epoch ms. */
export type WipeOrder = Omit<Static<typeof Order>, '_type'>;

const check = checkerOf(Order, 'wipe order', 'METADATA_MALFORMED');

/** The signed part of a wipe order. The threshold of the targets role signs it (`docs/security.md`). */
export const buildWipeOrder = (order: WipeOrder): SignedPart => ({ _type: 'wipe', ...order });

/** Reads an order without verifying it: for showing it to who is to sign it. Throws METADATA_MALFORMED. */
export function readWipeOrder(text: string): WipeOrder {
  const { _type, ...order } = check(parseDocument(text).signed);
  const lifeMs = order.expires - order.issuedAt;
  if (lifeMs > 0 && lifeMs <= MAX_WIPE_MS) return order;
  throw new CodedError('METADATA_MALFORMED', 'wipe order: it must end within 90 days', { at: '/expires' });
}

/**
 * Checks an order as a device does: by the threshold of the targets role, for this device of this fleet, in date, and not
 * carried out before. Throws WIPE_NOT_MINE, METADATA_EXPIRED, WIPE_REPLAYED and the codes of signatures.
 */
export function verifyWipeOrder(
  root: Root,
  text: string,
  by: {
    readonly fleet: string;
    readonly device: string;
    readonly nowMs: number;
    /** Ids of orders that were carried out here. */
    readonly done: readonly string[];
  },
): WipeOrder {
  verifySignatures('the wipe order', root.roles.targets, parseDocument(text));
  const order = readWipeOrder(text);
  if (order.fleet !== by.fleet || !order.devices.includes(by.device)) {
    throw new CodedError('WIPE_NOT_MINE', `order ${order.order} does not name ${by.device} of ${by.fleet}`);
  }
  checkExpiry(`wipe order ${order.order}`, tufTime(order.expires), by.nowMs);
  if (by.done.includes(order.order)) {
    throw new CodedError('WIPE_REPLAYED', `order ${order.order} was carried out here before`);
  }
  return order;
}
