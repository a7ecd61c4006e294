/** Made by test/fixtures/make_probe.py: y = relu(x · weight + bias) on whole numbers. */
export const PROBE_MODEL_BASE64 = [
  'CAc6ugEKHAoBeAoGd2VpZ2h0Egdwcm9kdWN0IgZNYXRNdWwKGQoHcHJvZHVjdAoEYmlhcxIDc3VtIgNBZGQKDgoDc3VtEgF5',
  'IgRSZWx1EgVwcm9iZSooCAMIAhABQgZ3ZWlnaHRKGAAAgD8AAADAAABAQAAAgEAAAKDAAADAQCoUCAIQAUIEYmlhc0oIAACA',
  'PwAAyMJaEwoBeBIOCgwIARIICgIIAQoCCANiEwoBeRIOCgwIARIICgIIAQoCCAJCBAoAEA0=',
].join('');
export const PROBE_INPUT: readonly number[] = [1, 2, -3];
export const PROBE_OUTPUT: readonly number[] = [23, 0];
