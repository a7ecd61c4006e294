#!/usr/bin/env node
import process from 'node:process';
import { CodedError } from '@ringfleet/shared/errors';
import { runProgram } from './main-program.ts';
import { registerOperateCommands } from './operate-commands.ts';
import { registerPeopleCommands } from './people-commands.ts';
import { registerReleaseCommands } from './release-commands.ts';
import { registerTrustCommands } from './trust-commands.ts';

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new CodedError('CANCELLED')));
process.once('SIGTERM', () => interrupt.abort(new CodedError('CANCELLED')));

process.exitCode = await runProgram(
  [registerReleaseCommands, registerTrustCommands, registerOperateCommands, registerPeopleCommands],
  process.argv.slice(2),
  process.env,
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
  interrupt.signal,
);
