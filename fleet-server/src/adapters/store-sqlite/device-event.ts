/** What happened to one device. */
export const deviceEvent = (
  code: string,
  device: string,
  sentence: string,
  data: Record<string, unknown> = {},
) => ({
  kind: 'device' as const,
  code,
  sentence,
  device,
  model: null,
  rollout: null,
  data,
});
