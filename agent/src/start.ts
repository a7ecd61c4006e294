#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

/**
 * The program's first line, before anything else is loaded: V8 lets the young generation of every heap grow to 32 MB
 * while a program starts, and hardly ever gives it back. What the agent allocates dies within a request.
 */
setFlagsFromString('--semi-space-growth-factor=1');

await import('./main.ts');
