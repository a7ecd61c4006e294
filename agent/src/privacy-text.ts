import type { SentKind, SentView } from './supervisor/sent-log.ts';

const KINDS: Readonly<Record<SentKind, string>> = {
  hello: 'who this device is and what it can do, at every connection',
  state: 'steps of an update',
  event: 'what a person may want to know: rollbacks, crashes, alerts',
  tele: 'heartbeats: counts of answers, histograms, how the machine is',
  stick: 'the same, carried by hand',
};

/** Said whatever was sent: no field of any message has a place for it. */
const NEVER = [
  'inputs and outputs of requests: tensors, images, texts, single values; histograms hold counts of values, never a value',
  'who asked, from which address, and with which headers',
  'files and their names, environment variables, other programs on the device',
  'the private key of the device, signing keys, tokens',
];

const ALSO = [
  'requests for assignments, signed metadata and artifacts, by name and digest alone; a certificate request with the public key',
  'traces, only where agent.yaml names a collector (tracing.endpoint), and only to it',
];

/** One screen on what left the device since the agent was started, each kind with the fields of its newest message. */
export function privacyText({ sinceMs, sent }: SentView): string {
  const kinds = sent.flatMap(({ kind, messages, bytes, lastAtMs, last }) => [
    `  ${kind}: ${KINDS[kind]}`,
    `    ${messages} messages, ${bytes} bytes of JSON, the last at ${new Date(lastAtMs).toISOString()}`,
    `    its fields: ${fieldsOf(last).join(', ')}`,
  ]);
  return [
    `Left this device since the agent was started at ${new Date(sinceMs).toISOString()}:`,
    ...(kinds.length === 0 ? ['  nothing'] : kinds),
    'Goes out besides:',
    ...ALSO.map((line) => `  ${line}`),
    'Never leaves this device:',
    ...NEVER.map((line) => `  ${line}`),
    'The newest message of each kind, word for word: --privacy --json',
    '',
  ].join('\n');
}

/** `body.models[].features[].bins[]`: each place that holds something, once, in order. */
export function fieldsOf(message: unknown): readonly string[] {
  const found = new Set<string>();
  const look = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) look(item, `${path}[]`);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) look(item, path ? `${path}.${key}` : key);
    } else found.add(path);
  };
  look(message, '');
  return [...found];
}
