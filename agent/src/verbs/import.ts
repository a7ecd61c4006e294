import { exportReports, importBundle, type WrittenResults } from '../bundle-command.ts';
import { readOptionsAndFolder, stateDirOf } from './arguments.ts';
import type { Verb, VerbContext } from './verb.ts';

export const IMPORT: Verb = {
  name: 'import',
  help: [['import DIR [--json]', 'take a bundle from a stick, and write the reports to it']],
  async run(args, context) {
    const { options, isJson } = optionsOf(args, context);
    const imported = await importBundle(options);
    const { kind, models, acknowledged } = imported;
    if (!isJson) {
      const releases = models.map(({ model, version }) => `${model} ${version}`).join(', ');
      const what =
        kind === 'same' ? 'This bundle was taken already; nothing changed' : 'The bundle was taken';
      context.print(`${what}.${releases === '' ? '' : ` This device is to run ${releases}.`}\n`);
      if (acknowledged > 0) context.print(`The server has stored ${acknowledged} of its reports.\n`);
    }
    const results = await exportReports(options);
    context.print(isJson ? `${JSON.stringify({ ...imported, results })}\n` : sentenceOf(results));
    return 0;
  },
};

export const EXPORT_REPORTS: Verb = {
  name: 'export-reports',
  help: [['export-reports DIR [--json]', 'write the reports of this device to a stick']],
  async run(args, context) {
    const { options, isJson } = optionsOf(args, context);
    const results = await exportReports(options);
    context.print(isJson ? `${JSON.stringify(results)}\n` : sentenceOf(results));
    return 0;
  },
};

function optionsOf(args: readonly string[], { env, untilEnded, showProgress }: VerbContext) {
  const { values, folder } = readOptionsAndFolder(args, {
    'state-dir': { type: 'string' },
    json: { type: 'boolean' },
  });
  const stateDir = stateDirOf(values['state-dir'], env);
  return {
    options: { dir: folder, stateDir, env, signal: untilEnded(), showProgress },
    isJson: values.json === true,
  };
}

const sentenceOf = ({ file, reports, waiting }: WrittenResults): string =>
  `${file} holds ${reports} reports for \`ringfleet bundle results\`${waiting > 0 ? `; ${waiting} more wait for the next visit` : ''}.\n`;
