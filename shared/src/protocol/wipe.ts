/**
 * Header of an answer to GET /device/v1/assignment: the id of a wipe order that waits at GET /device/v1/wipe. A hint, trusted
 * for nothing.
 */
export const WIPE_HEADER = 'x-ringfleet-wipe';
