import process from 'node:process';
import { describeApi } from './openapi-document.ts';

process.stdout.write(`${JSON.stringify(await describeApi(), null, 2)}\n`);
