import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run soak -- [--minutes 30] [--dir .ringfleet/soak]

A server and one agent, asked over REST (JSON and binary), gRPC and MQTT without pause, while releases are swapped and
runners are killed. Ends with one line of JSON: requests, failures by reason, those that nothing explains, and how memory grew.
`;

export interface SoakOptions {
  readonly minutes: number;
  readonly dir: string;
}

/** Undefined for a command line that is not understood. */
export function readOptions(args: readonly string[]): SoakOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '30' },
        dir: { type: 'string', default: '.ringfleet/soak' },
      },
    });
    const minutes = Number(values.minutes);
    return minutes > 0 && minutes <= 100_000 ? { minutes, dir: values.dir } : undefined;
  } catch {
    // What is not known: the usage says what is.
    return undefined;
  }
}
